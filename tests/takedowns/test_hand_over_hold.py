"""Handing over a legal hold: the one who stays proposes, the successor accepts, and nobody else sees what is held."""

from unittest.mock import patch

import pytest
from django.test import Client

from matching import service
from matching.types import ReplayOutcome
from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.seen import Unseen
from portal.audit.tags import Tag
from portal.core.faults import NotAllowed
from portal.takedowns import hold_handover, holds
from portal.takedowns.models import Hold, HoldReason, ReleasedBecause
from portal.takedowns.states import HoldState
from tests.builders import assign, indexed_image, look_at_hold, make_account, signed_in
from tests.staff.build import look_at, reviewed

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/en/staff/holds/"


@pytest.fixture
def hold(sam: User, lee: User) -> Hold:
    placed = holds.propose([indexed_image()], HoldReason.LITIGATION, by=sam)
    look_at_hold(placed, placed.proposed_by, lee)
    holds.confirm(placed, by=lee)
    return now(placed)


@pytest.fixture
def kim(db: None) -> User:
    return make_account("kim")


@pytest.fixture
def pat(db: None) -> User:
    return make_account("pat")


def now(hold: Hold) -> Hold:
    return Hold.objects.get(pk=hold.pk)


def leave(*people: User) -> None:
    for person in people:
        person.is_active = False
        person.save()


def two_of(hold: Hold) -> set[str]:
    hold = now(hold)
    assert hold.confirmed_by is not None
    return {hold.proposed_by.name, hold.confirmed_by.name}


@pytest.mark.parametrize("stays", ["sam", "lee"])
def test_the_one_who_stays_and_the_successor_agree(hold: Hold, sam: User, lee: User, kim: User, stays: str) -> None:
    stayer, leaver = (sam, lee) if stays == "sam" else (lee, sam)
    leave(leaver)
    hold_handover.hand_over(hold, from_=leaver, to=kim, by=stayer)
    assert two_of(hold) == {"sam", "lee"}
    hold_handover.accept(hold, by=kim)
    assert two_of(hold) == {stays, "kim"}
    with pytest.raises(Unseen):
        holds.propose_release(hold, ReleasedBecause.ENDED, by=kim)
    look_at_hold(hold, kim)
    holds.propose_release(hold, ReleasedBecause.ENDED, by=kim)
    holds.confirm_release(hold, by=stayer)
    assert now(hold).state == HoldState.RELEASED


def test_a_backup_from_before_brings_the_new_two_back(hold: Hold, sam: User, lee: User, kim: User) -> None:
    """What stands outside the database names them from the moment they are the two."""
    written: list[str] = []
    with patch.object(service, "journal", side_effect=lambda kind, subject, said: written.append(said)):
        hold_handover.hand_over(hold, from_=lee, to=kim, by=sam)
        hold_handover.accept(hold, by=kim)
    Hold.objects.filter(pk=hold.pk).update(confirmed_by=lee)
    assert holds.replay_note(hold.pk, written[-1]) == ReplayOutcome.DONE
    assert two_of(hold) == {"sam", "kim"}


def test_one_person_alone_hands_over_nothing(hold: Hold, sam: User, lee: User, kim: User, pat: User) -> None:
    for from_, to, by in ((sam, kim, sam), (lee, sam, sam), (lee, kim, kim), (lee, kim, pat), (pat, kim, sam)):
        with pytest.raises(NotAllowed):
            hold_handover.hand_over(hold, from_=from_, to=to, by=by)
    hold_handover.hand_over(hold, from_=lee, to=kim, by=sam)
    for by in (sam, lee, pat):
        with pytest.raises(NotAllowed):
            hold_handover.accept(hold, by=by)
    assert two_of(hold) == {"sam", "lee"}


def test_a_place_goes_to_staff_alone(hold: Hold, sam: User, lee: User, kim: User, rita: User) -> None:
    leave(kim)
    for to in (kim, rita):
        with pytest.raises(NotAllowed):
            hold_handover.hand_over(hold, from_=lee, to=to, by=sam)


def test_where_both_have_left_any_two_take_it_one_place_after_the_other(
    hold: Hold, sam: User, lee: User, kim: User, pat: User
) -> None:
    leave(sam, lee)
    with pytest.raises(NotAllowed):
        hold_handover.hand_over(hold, from_=sam, to=kim, by=kim)
    hold_handover.hand_over(hold, from_=sam, to=pat, by=kim)
    with pytest.raises(NotAllowed):
        hold_handover.accept(hold, by=kim)
    hold_handover.accept(hold, by=pat)
    assert two_of(hold) == {"pat", "lee"}
    with pytest.raises(NotAllowed):  # one of the two is there again
        hold_handover.hand_over(hold, from_=lee, to=pat, by=kim)
    hold_handover.hand_over(hold, from_=lee, to=kim, by=pat)
    hold_handover.accept(hold, by=kim)
    assert two_of(hold) == {"pat", "kim"}


@pytest.mark.parametrize("by", ["sam", "lee", "kim"])
def test_the_two_and_the_successor_may_decline_and_nobody_else(
    hold: Hold, sam: User, lee: User, kim: User, pat: User, by: str
) -> None:
    hold_handover.hand_over(hold, from_=lee, to=kim, by=sam)
    with pytest.raises(NotAllowed):
        hold_handover.hand_over(hold, from_=lee, to=pat, by=sam)  # one at a time
    with pytest.raises(NotAllowed):
        hold_handover.decline(hold, by=pat)
    hold_handover.decline(hold, by=User.objects.get(name=by))
    with pytest.raises(NotAllowed):
        hold_handover.accept(hold, by=kim)
    assert two_of(hold) == {"sam", "lee"}


def test_a_release_that_waited_is_proposed_anew(hold: Hold, sam: User, lee: User, kim: User) -> None:
    holds.propose_release(hold, ReleasedBecause.ENDED, by=lee)
    leave(lee)
    hold_handover.hand_over(hold, from_=lee, to=kim, by=sam)
    hold_handover.accept(hold, by=kim)
    hold = now(hold)
    assert (hold.state, hold.release_by, hold.released_because) == (HoldState.PLACED, None, "")


@pytest.mark.parametrize("state", sorted(set(HoldState) - {HoldState.PLACED, HoldState.RELEASING}))
def test_only_what_is_held_by_two_is_handed_over(hold: Hold, sam: User, lee: User, kim: User, state: str) -> None:
    Hold.objects.update(state=state)
    with pytest.raises(NotAllowed):
        hold_handover.hand_over(now(hold), from_=lee, to=kim, by=sam)
    Hold.objects.update(handed_from=lee, handed_to=kim, handed_by=sam)
    for verb in (hold_handover.accept, hold_handover.decline):
        with pytest.raises(NotAllowed):
            verb(now(hold), by=kim)


def test_it_is_in_the_trail_by_whom(hold: Hold, sam: User, lee: User, kim: User) -> None:
    hold_handover.hand_over(hold, from_=lee, to=kim, by=sam)
    hold_handover.decline(hold, by=kim)
    hold_handover.hand_over(hold, from_=lee, to=kim, by=sam)
    hold_handover.accept(hold, by=kim)
    tags = [Tag.HOLD_HANDOVER_PROPOSED, Tag.HOLD_HANDOVER_DECLINED, Tag.HOLD_HANDED_OVER]
    told = Entry.objects.filter(tag__in=tags, about=str(hold.pk)).order_by("pk")
    places = {"was": lee.pk, "to": kim.pk}
    assert [(entry.tag, entry.actor, entry.detail) for entry in told] == [
        (tags[0], sam.pk, places),
        (tags[1], kim.pk, {}),
        (tags[0], sam.pk, places),
        (tags[2], kim.pk, places),
    ]


def test_the_successor_sees_what_is_held_once_they_accepted_and_the_other_one_no_more(
    sam: User, lee: User, kim: User, lee_client: Client
) -> None:
    kim_client = signed_in(kim)
    case = assign(reviewed(probable=1), lee, kim)
    match = case.matches.get()
    picture = f"/en/staff/cases/{case.code}/matches/{match.pk}/image/"
    for client in (lee_client, kim_client):
        look_at(client, case)
    placed = holds.propose([match.image_id], HoldReason.LITIGATION, by=sam)
    look_at_hold(placed, placed.proposed_by, lee)
    holds.confirm(placed, by=lee)
    hold_handover.hand_over(placed, from_=lee, to=kim, by=sam)
    assert [client.get(picture).status_code for client in (lee_client, kim_client)] == [200, 404]
    hold_handover.accept(placed, by=kim)
    assert [client.get(picture).status_code for client in (lee_client, kim_client)] == [404, 200]


def test_the_pages_from_the_proposal_to_the_release(
    hold: Hold, lee: User, kim: User, sam_client: Client, pat: User
) -> None:
    leave(lee)
    kim_client, pat_client = signed_in(kim), signed_in(pat)
    assert "Hand over" in sam_client.get(PAGE).content.decode()
    form = f"{PAGE}{hold.pk}/hand-over/"
    page = sam_client.get(form).content.decode()
    assert "Whoever takes the place of lee sees what is held" in page
    assert ("kim" in page, "pat" in page) == (True, True)
    assert "Choose a colleague" in sam_client.post(form, {"to": lee.pk}).content.decode()
    for client in (kim_client, pat_client):
        assert client.get(form).status_code == 404
    sam_client.post(form, {"to": kim.pk})
    assert "kim is to take the place of lee" in sam_client.get(PAGE).content.decode()
    assert sam_client.get(form).status_code == 404  # one waits
    asked = kim_client.get(PAGE).content.decode()
    assert ("Take over" in asked, "Propose the release" in asked) == (True, False)
    assert str(hold.pk) not in pat_client.get(PAGE).content.decode()
    # Nothing of it is shown before they accept.
    assert kim_client.get(f"{PAGE}{hold.pk}/").status_code == 404
    for verb in ("take-over", "not-hand-over"):
        assert pat_client.post(f"{PAGE}{hold.pk}/{verb}/").status_code == 404
    done = kim_client.post(f"{PAGE}{hold.pk}/take-over/", follow=True).content.decode()
    assert "You are one of the two people of this hold now." in done
    assert "Propose the release" in done
    look_at_hold(hold, kim)
    kim_client.post(f"{PAGE}{hold.pk}/release/", {"because": "ended"})
    sam_client.post(f"{PAGE}{hold.pk}/release/")
    assert now(hold).state == HoldState.RELEASED


def test_a_hold_that_nobody_is_left_for_is_shown_to_all_staff_to_be_taken_over(
    hold: Hold, sam: User, lee: User, kim: User, pat: User
) -> None:
    leave(sam, lee)
    kim_client, pat_client = signed_in(kim), signed_in(pat)
    page = kim_client.get(PAGE).content.decode()
    assert ("Hand over" in page, "Propose the release" in page) == (True, False)
    kim_client.post(f"{PAGE}{hold.pk}/hand-over/", {"to": pat.pk})
    pat_client.post(f"{PAGE}{hold.pk}/take-over/")
    assert two_of(hold) == {"pat", "lee"}
    assert str(hold.pk) not in kim_client.get(PAGE).content.decode()


def test_declined_on_the_page_it_stays_as_it_was(hold: Hold, sam: User, lee: User, kim: User) -> None:
    hold_handover.hand_over(hold, from_=lee, to=kim, by=sam)
    kim_client = signed_in(kim)
    done = kim_client.post(f"{PAGE}{hold.pk}/not-hand-over/", follow=True).content.decode()
    assert "It is not handed over." in done
    assert str(hold.pk) not in done
    assert two_of(hold) == {"sam", "lee"}


def test_the_page_speaks_french(hold: Hold, lee: User, kim: User, sam_client: Client) -> None:
    page = sam_client.get(f"/fr/staff/holds/{hold.pk}/hand-over/").content.decode()
    assert "Transmettre une conservation légale" in page
