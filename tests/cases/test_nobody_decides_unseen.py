"""Whoever decides has looked: at the subject's photo and at each picture concerned, in every band, on every route."""

from collections.abc import Callable
from pathlib import Path

import pytest

from matching import service
from matching.types import Store
from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.seen import Unseen
from portal.cases import decisions, forget, looked_at, queries
from portal.cases.models import Band, Case, Match, Outcome, Proposal
from portal.cases.states import State
from portal.core.faults import NotAllowed
from portal.policies.assurance import Proof
from portal.takedowns.models import HoldReason, Takedown
from tests.builders import indexed_image, look_at, make_account, make_case, place_hold
from tests.matching.builders import make_image, unit_rows
from tests.staff.build import numbers, reviewed

pytestmark = pytest.mark.django_db


@pytest.fixture
def case() -> Case:
    return reviewed(certain=2, probable=1)


@pytest.fixture
def given() -> Case:
    """The route by addresses: one image, found at the address that somebody typed."""
    case = make_case(State.REVIEW)
    Match.objects.create(case=case, image_id=indexed_image(), band=Band.ADDRESS)
    return case


def look_at_photos(case: Case, by: User) -> None:
    for photo in case.photos.all():
        queries.evidence_photo(case, by, photo.number)


def look_at_pictures(case: Case, by: User) -> None:
    for match in case.matches.all():
        queries.evidence_match(match, by)


def all_of(case: Case) -> list[int]:
    return list(case.matches.values_list("pk", flat=True))


VERBS: dict[str, Callable[[Case, User], object]] = {
    "approve": lambda case, by: decisions.approve(case, by=by, matches=numbers(case, "certain")),
    "delete": lambda case, by: decisions.propose_decision(case, by=by, delete=all_of(case)),
    "leave": lambda case, by: decisions.propose_decision(case, by=by, delete=[]),
    "refuse": lambda case, by: decisions.propose_refusal(case, by=by, reason="abusive"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_nothing_is_decided_before_the_photo_was_looked_at(case: Case, sam: User, verb: str) -> None:
    decisions.unlock(case, by=sam, purpose="compare")
    look_at_pictures(case, sam)
    with pytest.raises(Unseen) as caught:
        VERBS[verb](case, sam)
    assert caught.value.what == [looked_at.photo(case.photos.get())]
    look_at_photos(case, sam)
    VERBS[verb](case, sam)


@pytest.mark.parametrize("verb", ["approve", "delete", "leave"])
def test_nothing_is_decided_before_each_picture_was_looked_at(case: Case, sam: User, verb: str) -> None:
    decisions.unlock(case, by=sam, purpose="compare")
    look_at_photos(case, sam)
    *some, last = case.matches.filter(band=Band.CERTAIN)
    for match in (*some, *case.matches.filter(band=Band.PROBABLE)):
        queries.evidence_match(match, sam)
    with pytest.raises(Unseen) as caught:
        VERBS[verb](case, sam)
    assert caught.value.numbers("match") == [last.pk]
    queries.evidence_match(last, sam)
    VERBS[verb](case, sam)


@pytest.mark.parametrize("verb", ["delete", "leave", "refuse"])
def test_the_second_person_has_looked_as_well(case: Case, sam: User, lee: User, verb: str) -> None:
    look_at(case, sam)
    proposal = VERBS[verb](case, sam)
    assert isinstance(proposal, Proposal)
    with pytest.raises(Unseen):
        decisions.confirm(proposal, by=lee)
    assert Proposal.objects.get().outcome == Outcome.OPEN
    look_at(case, lee)
    decisions.confirm(proposal, by=lee)


def test_what_is_locked_was_not_looked_at(case: Case, sam: User) -> None:
    look_at_photos(case, sam)
    look_at_pictures(case, sam)
    assert not Entry.objects.filter(detail__has_key="saw").exists()
    with pytest.raises(Unseen):
        VERBS["refuse"](case, sam)


def test_what_a_colleague_looked_at_counts_for_nobody_else(case: Case, sam: User, lee: User) -> None:
    look_at(case, lee)
    with pytest.raises(Unseen):
        VERBS["approve"](case, sam)


def test_one_person_alone_deletes_nothing_by_its_address(given: Case, sam: User, lee: User) -> None:
    look_at(given, sam)
    with pytest.raises(NotAllowed):
        decisions.approve(given, by=sam, matches=all_of(given))
    proposal = decisions.propose_decision(given, by=sam, delete=all_of(given))
    with pytest.raises(NotAllowed):
        decisions.confirm(proposal, by=sam)
    with pytest.raises(Unseen):
        decisions.confirm(proposal, by=lee)
    assert not Takedown.objects.exists()
    look_at(given, lee)
    decisions.confirm(proposal, by=lee)
    assert Takedown.objects.count() == 1


def test_by_addresses_a_refusal_too_takes_a_look_at_what_they_named(given: Case, sam: User) -> None:
    decisions.unlock(given, by=sam, purpose="compare")
    with pytest.raises(Unseen):
        VERBS["refuse"](given, sam)
    look_at_pictures(given, sam)
    VERBS["refuse"](given, sam)


def test_of_an_image_without_a_photo_its_source_is_looked_at(sam: User) -> None:
    case = reviewed()
    image = make_image(unit_rows(1, seed=3), page="https://harvest.example/a.jpg")
    service.erase(image, Store.DERIVED)  # as if it had come as an embedding
    match = Match.objects.create(case=case, image_id=image, face_id=1, similarity=0.9, band=Band.PROBABLE)
    decisions.unlock(case, by=sam, purpose="compare")
    look_at_photos(case, sam)
    assert queries.evidence_match(match, sam) is None
    with pytest.raises(Unseen):
        VERBS["delete"](case, sam)
    source = queries.source(match, sam)
    assert (source.has_picture, source.provenance and source.provenance.page) == (
        False,
        "https://harvest.example/a.jpg",
    )
    VERBS["delete"](case, sam)


def test_the_source_is_no_look_where_there_is_a_picture(case: Case, sam: User) -> None:
    decisions.unlock(case, by=sam, purpose="compare")
    look_at_photos(case, sam)
    for match in case.matches.all():
        assert queries.source(match, sam).has_picture
    with pytest.raises(Unseen):
        VERBS["approve"](case, sam)


def test_what_can_be_shown_no_more_is_left_and_not_deleted(case: Case, sam: User, lee: User) -> None:
    held, *others = list(case.matches.all())
    place_hold([held.image_id], make_account("kim"), make_account("pat"), HoldReason.LITIGATION)
    look_at(case, sam)
    with pytest.raises(Unseen) as caught:
        VERBS["delete"](case, sam)
    assert caught.value.numbers("match") == [held.pk]
    decisions.propose_decision(case, by=sam, delete=[match.pk for match in others])


def test_where_no_photo_is_kept_any_more_nobody_decides_alone(case: Case, sam: User, lee: User) -> None:
    assert decisions.people_by_band(case)[Band.CERTAIN] == 1
    forget.photos(case)
    look_at(case, sam, lee)
    assert decisions.people_by_band(case)[Band.CERTAIN] == 2
    with pytest.raises(NotAllowed):
        VERBS["approve"](case, sam)


def test_a_hold_from_a_case_takes_a_look_at_what_it_keeps(case: Case, sam: User) -> None:
    match = case.matches.all()[0]
    with pytest.raises(Unseen):
        decisions.propose_hold(case, [match], HoldReason.LITIGATION, by=sam)
    decisions.unlock(case, by=sam, purpose="compare")
    queries.evidence_match(match, sam)
    decisions.propose_hold(case, [match], HoldReason.LITIGATION, by=sam)


def test_a_proof_by_address_still_deletes_given_addresses_only(given: Case, tmp_path: Path, sam: User) -> None:
    assert given.proof == Proof.CONTACT
    found = Match.objects.create(case=given, image_id=indexed_image(), face_id=1, similarity=1, band=Band.CERTAIN)
    look_at(given, sam)
    with pytest.raises(NotAllowed):
        decisions.approve(given, by=sam, matches=[found.pk])
