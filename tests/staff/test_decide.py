"""Deciding: one person for what is certain, after a confirmation; two for what is unclear and for a refusal."""

import pytest
from django.test import Client

from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.cases.models import Case, Decision, Outcome, Proposal
from portal.cases.states import State
from portal.takedowns.models import Takedown
from tests.staff.build import look_at, numbers, reviewed, unlock


@pytest.fixture
def case(db: None) -> Case:
    return reviewed(certain=2, probable=2)


def page(case: Case, verb: str = "") -> str:
    return f"/en/staff/cases/{case.code}/{verb}"


def propose(client: Client, case: Case, **choices: str) -> Proposal:
    """Look, then propose to delete all, save what `choices` says otherwise."""
    look_at(client, case)
    matches = case.matches.filter(decision=Decision.OPEN)
    client.post(page(case, "decide/"), {f"match-{match.pk}": "delete" for match in matches} | choices)
    return Proposal.objects.get(case=case, outcome=Outcome.OPEN)


def test_what_is_certain_is_ticked_and_deleted_only_after_a_confirmation(case: Case, sam_client: Client) -> None:
    certain = numbers(case, "certain")
    unlock(sam_client, case)
    unseen = sam_client.get(page(case)).content.decode()
    assert not any(f'value="{pk}" checked' in unseen for pk in certain)
    look_at(sam_client, case)
    shown = sam_client.get(page(case)).content.decode()
    assert all(f'value="{pk}" checked' in shown for pk in certain)
    assert not any(f'value="{pk}"' in shown for pk in numbers(case, "probable"))
    asked = sam_client.post(page(case, "approve/"), {"images": certain})
    assert "Delete 2 images?" in asked.content.decode()
    assert not Takedown.objects.exists()
    done = sam_client.post(page(case, "approve/"), {"images": certain, "confirmed": "yes"}, follow=True)
    assert "Deletion of 2 images began." in done.content.decode()
    assert Takedown.objects.count() == 2
    case.refresh_from_db()
    assert case.state == State.REVIEW  # the unclear ones are still open


def test_ticking_nothing_is_an_error_that_says_so(case: Case, sam_client: Client) -> None:
    unlock(sam_client, case)
    shown = sam_client.post(page(case, "approve/"), {"confirmed": "yes"}).content.decode()
    assert "<title>Error:" in shown
    assert 'href="#id_images_0"' in shown
    assert 'id="id_images_0"' in shown


def test_one_person_cannot_approve_what_is_unclear(case: Case, sam_client: Client) -> None:
    look_at(sam_client, case)
    sam_client.post(page(case, "approve/"), {"images": numbers(case, "probable"), "confirmed": "yes"})
    assert not Takedown.objects.exists()
    assert not Entry.objects.filter(tag=Tag.MATCHES_APPROVED).exists()


def test_one_case_cannot_decide_the_matches_of_another(case: Case, sam_client: Client) -> None:
    other = reviewed(certain=1)
    sam_client.post(page(case, "approve/"), {"images": numbers(other, "certain"), "confirmed": "yes"})
    assert not Takedown.objects.exists()


def test_approving_twice_deletes_once(case: Case, sam_client: Client) -> None:
    look_at(sam_client, case)
    sent = {"images": numbers(case, "certain"), "confirmed": "yes"}
    for _ in range(2):
        sam_client.post(page(case, "approve/"), sent)
    assert Takedown.objects.count() == 2


def test_every_unclear_image_needs_a_choice(case: Case, sam_client: Client) -> None:
    first, _second = numbers(case, "probable")
    unlock(sam_client, case)
    shown = sam_client.post(page(case, "decide/"), {f"match-{first}": "leave"}).content.decode()
    assert "Choose for image 4" in shown
    assert f'name="match-{first}" type="radio" value="leave" checked' in shown
    assert not Proposal.objects.exists()


def test_a_proposal_waits_for_another_person(case: Case, sam_client: Client, lee_client: Client) -> None:
    left = numbers(case, "probable")[1]
    proposal = propose(sam_client, case, **{f"match-{left}": "leave"})
    assert not Takedown.objects.exists()
    refused = sam_client.post(f"/en/staff/proposals/{proposal.pk}/confirm/", follow=True)
    assert "needs another person" in refused.content.decode()
    assert not Takedown.objects.exists()
    assert "Decide the unclear matches" in lee_client.get("/en/staff/").content.decode()
    look_at(lee_client, case)
    lee_client.post(f"/en/staff/proposals/{proposal.pk}/confirm/")
    assert Takedown.objects.count() == 3
    assert case.matches.get(pk=left).decision == Decision.LEFT
    case.refresh_from_db()
    assert case.state == State.ERASING


def test_the_proposer_cannot_decline_and_nobody_else_can_take_back(
    case: Case, sam_client: Client, lee_client: Client
) -> None:
    proposal = propose(sam_client, case)
    sam_client.post(f"/en/staff/proposals/{proposal.pk}/decline/")
    lee_client.post(f"/en/staff/proposals/{proposal.pk}/take-back/")
    proposal.refresh_from_db()
    assert proposal.outcome == Outcome.OPEN


@pytest.mark.parametrize(("verb", "outcome"), [("decline", Outcome.DECLINED), ("take-back", Outcome.TAKEN_BACK)])
def test_a_proposal_that_ended_cannot_be_confirmed(
    case: Case, sam_client: Client, lee_client: Client, verb: str, outcome: str
) -> None:
    proposal = propose(sam_client, case)
    (lee_client if verb == "decline" else sam_client).post(f"/en/staff/proposals/{proposal.pk}/{verb}/")
    late = lee_client.post(f"/en/staff/proposals/{proposal.pk}/confirm/", follow=True)
    assert "quicker" in late.content.decode()
    proposal.refresh_from_db()
    assert proposal.outcome == outcome
    assert not Takedown.objects.exists()


def test_a_refusal_takes_a_reason_and_two_people(case: Case, sam_client: Client, lee_client: Client) -> None:
    assert "Choose a reason" in sam_client.post(page(case, "refuse/")).content.decode()
    sam_client.post(page(case, "refuse/"), {"reason": "abusive"})
    assert not Proposal.objects.exists()
    look_at(sam_client, case)
    sam_client.post(page(case, "refuse/"), {"reason": "abusive"})
    proposal = Proposal.objects.get()
    sam_client.post(f"/en/staff/proposals/{proposal.pk}/confirm/")
    case.refresh_from_db()
    assert case.state == State.REVIEW
    look_at(lee_client, case)
    lee_client.post(f"/en/staff/proposals/{proposal.pk}/confirm/")
    case.refresh_from_db()
    assert case.state == State.REFUSED


def test_the_page_tells_what_happened_in_sentences(case: Case, sam_client: Client, lee_client: Client) -> None:
    proposal = propose(sam_client, case)
    look_at(lee_client, case)
    lee_client.post(f"/en/staff/proposals/{proposal.pk}/confirm/")
    shown = lee_client.get(page(case)).content.decode()
    for sentence in (
        "The subject sent the case; the clock runs",
        "sam proposed how to decide the unclear images",
        "lee confirmed the proposal",
        "Deletion of 4 images began",
    ):
        assert sentence in shown
    assert 'data-state="erasing"' in shown
    assert shown.count('data-takedown="queued"') == 4


def test_who_has_not_looked_cannot_propose_to_delete(case: Case, sam_client: Client) -> None:
    first, second = numbers(case, "probable")
    choices = {f"match-{pk}": "delete" for pk in numbers(case, "certain")} | {f"match-{second}": "leave"}
    assert "once you unlock the case" in sam_client.get(page(case, "decide/"), follow=True).content.decode()
    unlock(sam_client, case)
    assert "not looked at yet" in sam_client.get(page(case, "decide/")).content.decode()
    shown = sam_client.post(page(case, "decide/"), {**choices, f"match-{first}": "delete"}).content.decode()
    assert "Image 2: unlock the faces and look at it before you decide it" in shown
    assert "look at the subject’s photo before you decide" in shown
    assert f'name="match-{second}" type="radio" value="leave" checked' in shown
    assert "<title>Error:" in shown
    assert not Proposal.objects.exists()
    # To leave an image takes a look at it as well.
    sam_client.post(page(case, "decide/"), {**choices, f"match-{first}": "leave"})
    assert not Proposal.objects.exists()
    look_at(sam_client, case)
    sam_client.post(page(case, "decide/"), {**choices, f"match-{first}": "leave"})
    assert Proposal.objects.count() == 1


def test_a_pixelated_picture_is_no_look(case: Case, sam_client: Client) -> None:
    for match in case.matches.all():
        sam_client.get(page(case, f"matches/{match.pk}/image/"))
    unlock(sam_client, case)
    sam_client.post(page(case, "decide/"), {f"match-{match.pk}": "delete" for match in case.matches.all()})
    assert not Proposal.objects.exists()


def test_who_has_not_looked_cannot_confirm(case: Case, sam_client: Client, lee_client: Client) -> None:
    proposal = propose(sam_client, case)
    address = f"/en/staff/proposals/{proposal.pk}/"
    offered = lee_client.get(address).content.decode()
    assert "Unlock the faces first" in offered
    assert f"{address}confirm/" not in offered
    assert f"{address}decline/" in offered
    told = lee_client.post(f"{address}confirm/", follow=True)
    assert told.redirect_chain[-1][0] == address
    assert "you have not looked at everything that it rests on" in told.content.decode()
    assert not Takedown.objects.exists()
    proposal.refresh_from_db()
    assert proposal.outcome == Outcome.OPEN
    look_at(lee_client, case)
    assert f"{address}confirm/" in lee_client.get(address).content.decode()
    lee_client.post(f"{address}confirm/")
    assert Takedown.objects.count() == 4
