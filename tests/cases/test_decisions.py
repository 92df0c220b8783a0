"""What one of staff may decide, and what needs a second person."""

from datetime import timedelta
from uuid import uuid4

import pytest
from pytest_django import Settings

from matching import service
from matching.types import Store
from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.seen import Unseen
from portal.audit.tags import Tag
from portal.cases import decisions, moves, queries
from portal.cases.models import (
    Band,
    Case,
    Decision,
    Match,
    Outcome,
    Photo,
    Probe,
    Proposal,
    Route,
)
from portal.cases.states import State
from portal.core import clock
from portal.core.faults import NotAllowed, Stale
from portal.jobs import run
from portal.takedowns.models import Removal, Takedown
from tests.builders import indexed_image, look_at, make_account, make_case

pytestmark = pytest.mark.django_db


@pytest.fixture
def case() -> Case:
    """In review: two certain matches, one probable."""
    case = make_case(State.REVIEW, route=Route.PHOTO)
    for similarity, band in ((0.97, Band.CERTAIN), (0.96, Band.CERTAIN), (0.91, Band.PROBABLE)):
        Match.objects.create(case=case, image_id=indexed_image(), face_id=1, similarity=similarity, band=band)
    return case


def of_band(case: Case, band: Band) -> list[int]:
    return list(case.matches.filter(band=band).values_list("pk", flat=True))


def images_being_deleted(case: Case) -> set[object]:
    return set(Takedown.objects.filter(removal__origin=case.code).values_list("image_id", flat=True))


def test_one_person_approves_what_is_certain_and_the_case_waits_for_the_rest(case: Case, sam: User) -> None:
    look_at(case, sam)
    decisions.approve(case, by=sam, matches=of_band(case, Band.CERTAIN))
    case.refresh_from_db()
    assert case.state == State.REVIEW
    assert images_being_deleted(case) == set(case.matches.filter(band=Band.CERTAIN).values_list("image_id", flat=True))
    assert Photo.objects.filter(case=case).exists()


def test_one_person_cannot_delete_what_is_probable(case: Case, sam: User) -> None:
    for chosen in (of_band(case, Band.PROBABLE), list(case.matches.values_list("pk", flat=True))):
        with pytest.raises(NotAllowed):
            decisions.approve(case, by=sam, matches=chosen)
    assert not Removal.objects.exists()
    assert not case.matches.exclude(decision=Decision.OPEN).exists()


def test_a_second_person_confirms_what_is_probable(case: Case, sam: User, lee: User) -> None:
    look_at(case, sam, lee)
    decisions.approve(case, by=sam, matches=of_band(case, Band.CERTAIN))
    proposal = decisions.propose_decision(case, by=sam, delete=of_band(case, Band.PROBABLE))
    assert Removal.objects.count() == 1
    decisions.confirm(proposal, by=lee)
    case.refresh_from_db()
    assert case.state == State.ERASING
    assert len(images_being_deleted(case)) == 3


def test_what_is_left_stays_in_the_index_and_the_case_goes_on(case: Case, sam: User, lee: User) -> None:
    look_at(case, sam, lee)
    proposal = decisions.propose_decision(case, by=sam, delete=[])
    decisions.confirm(proposal, by=lee)
    case.refresh_from_db()
    assert case.state == State.ERASING
    assert set(case.matches.values_list("decision", flat=True)) == {Decision.LEFT}
    assert not Removal.objects.exists()


@pytest.mark.parametrize("verb", [decisions.confirm, decisions.decline])
def test_nobody_decides_their_own_proposal(case: Case, sam: User, verb: object) -> None:
    look_at(case, sam)
    proposal = decisions.propose_refusal(case, by=sam, reason="another_person")
    with pytest.raises(NotAllowed):
        verb(proposal, by=sam)  # type: ignore[operator]  # both take the same
    proposal.refresh_from_db()
    assert proposal.outcome == Outcome.OPEN


def test_only_the_proposer_takes_it_back(case: Case, sam: User, lee: User) -> None:
    look_at(case, sam)
    proposal = decisions.propose_refusal(case, by=sam, reason="another_person")
    with pytest.raises(NotAllowed):
        decisions.take_back(proposal, by=lee)
    decisions.take_back(proposal, by=sam)
    with pytest.raises(Stale):
        decisions.confirm(proposal, by=lee)
    assert Case.objects.get(pk=case.pk).state == State.REVIEW


def test_a_refusal_confirmed_by_a_second_person_destroys_photo_and_probes(case: Case, sam: User, lee: User) -> None:
    look_at(case, sam, lee)
    decisions.confirm(decisions.propose_refusal(case, by=sam, reason="another_person"), by=lee)
    case.refresh_from_db()
    assert case.state == State.REFUSED
    assert not Photo.objects.filter(case=case).exists()
    assert not Probe.objects.filter(case=case).exists()


def test_two_proposals_of_a_kind_do_not_wait_at_once(case: Case, sam: User, lee: User) -> None:
    look_at(case, sam, lee)
    decisions.propose_refusal(case, by=sam, reason="another_person")
    with pytest.raises(Stale):
        decisions.propose_refusal(case, by=lee, reason="abusive")


def test_a_match_of_another_case_is_not_deleted_through_this_one(case: Case, sam: User) -> None:
    other = make_case(State.REVIEW)
    foreign = Match.objects.create(case=other, image_id=uuid4(), band=Band.ADDRESS)
    with pytest.raises(Stale):
        decisions.approve(case, by=sam, matches=[foreign.pk])
    assert not Removal.objects.exists()


@pytest.mark.parametrize("state", [s for s in State if s not in (State.REVIEW, State.DRAFT, State.EXPIRED)])
def test_outside_review_nothing_can_be_decided(state: State, sam: User) -> None:
    case = make_case(state)
    match = Match.objects.create(case=case, image_id=uuid4(), band=Band.ADDRESS)
    with pytest.raises(Stale):
        decisions.approve(case, by=sam, matches=[match.pk])
    with pytest.raises(Stale):
        decisions.propose_refusal(case, by=sam, reason="abusive")


def test_every_decision_is_in_the_trail_once_with_who_made_it(case: Case, sam: User, lee: User) -> None:
    look_at(case, sam, lee)
    decisions.approve(case, by=sam, matches=of_band(case, Band.CERTAIN))
    decisions.confirm(decisions.propose_decision(case, by=sam, delete=of_band(case, Band.PROBABLE)), by=lee)
    looks = [Tag.CASE_UNLOCKED, Tag.MATCH_VIEWED, Tag.PHOTO_VIEWED]
    decided = Entry.objects.filter(about=str(case.code), tag__startswith="staff:").exclude(tag__in=looks)
    made = [(entry.tag, entry.actor) for entry in decided.order_by("pk")]
    assert made == [
        (Tag.MATCHES_APPROVED, sam.pk),
        (Tag.PROPOSAL_MADE, sam.pk),
        (Tag.PROPOSAL_CONFIRMED, lee.pk),
        (Tag.MATCHES_LEFT, lee.pk),
    ]


def test_nothing_probable_is_deleted_unseen_by_either_of_the_two(case: Case, sam: User, lee: User) -> None:
    probable = of_band(case, Band.PROBABLE)
    with pytest.raises(Unseen):
        decisions.propose_decision(case, by=sam, delete=probable)
    for match in case.matches.all():
        queries.evidence_match(match, sam)
    with pytest.raises(Unseen) as caught:
        decisions.propose_decision(case, by=sam, delete=probable)
    assert set(caught.value.numbers("match")) == set(case.matches.values_list("pk", flat=True))
    assert caught.value.numbers("photo") == [case.photos.get().pk]
    look_at(case, sam)
    proposal = decisions.propose_decision(case, by=sam, delete=probable)
    with pytest.raises(Unseen):
        decisions.confirm(proposal, by=lee)
    assert Proposal.objects.get().outcome == Outcome.OPEN
    assert not Removal.objects.exists()


def test_a_proof_by_contact_deletes_nothing_but_the_given_addresses(sam: User) -> None:
    case = make_case(State.REVIEW)
    found = Match.objects.create(case=case, image_id=uuid4(), face_id=1, similarity=0.99, band=Band.CERTAIN)
    with pytest.raises(NotAllowed):
        decisions.approve(case, by=sam, matches=[found.pk])
    assert not Removal.objects.exists()


def test_leaving_review_ends_what_was_proposed(case: Case, sam: User, lee: User) -> None:
    look_at(case, sam, lee)
    decisions.propose_decision(case, by=sam, delete=[])
    refusal = decisions.propose_refusal(case, by=sam, reason="another_person")
    decisions.confirm(refusal, by=lee)
    assert not Proposal.objects.filter(outcome=Outcome.OPEN).exists()


class TestRestore:
    """Within the cooling time, and by two people."""

    @pytest.fixture
    def hidden(self, case: Case, sam: User, lee: User, settings: Settings) -> list[int]:
        settings.COOLING = timedelta(hours=24)
        certain = of_band(case, Band.CERTAIN)
        look_at(case, sam, lee)
        decisions.approve(case, by=sam, matches=certain)
        run.drain()
        return certain

    def test_it_takes_a_second_person(self, case: Case, hidden: list[int], sam: User, lee: User) -> None:
        proposal = decisions.propose_restore(case, by=sam, matches=hidden[:1])
        assert set(Takedown.objects.values_list("state", flat=True)) == {"hidden"}
        with pytest.raises(NotAllowed):
            decisions.confirm(proposal, by=sam)
        decisions.confirm(proposal, by=lee)
        assert sorted(Takedown.objects.values_list("state", flat=True)) == ["hidden", "restored"]
        assert Match.objects.get(pk=hidden[0]).decision == Decision.LEFT

    def test_both_have_looked_at_it(self, case: Case, hidden: list[int], sam: User) -> None:
        kim = make_account("kim")
        with pytest.raises(Unseen):
            decisions.propose_restore(case, by=kim, matches=hidden[:1])
        proposal = decisions.propose_restore(case, by=sam, matches=hidden[:1])
        with pytest.raises(Unseen):
            decisions.confirm(proposal, by=kim)
        look_at(case, kim)
        decisions.confirm(proposal, by=kim)

    def test_it_is_too_late_for_the_second_person_as_well(
        self, case: Case, hidden: list[int], sam: User, lee: User
    ) -> None:
        proposal = decisions.propose_restore(case, by=sam, matches=hidden[:1])
        clock.move(timedelta(hours=25))
        with pytest.raises(Stale):
            decisions.confirm(proposal, by=lee)
        assert Match.objects.get(pk=hidden[0]).decision == Decision.APPROVED
        proposal.refresh_from_db()
        assert proposal.outcome == Outcome.OPEN

    def test_its_proposal_outlives_the_last_decision_but_not_the_removal(
        self, case: Case, hidden: list[int], sam: User
    ) -> None:
        proposal = decisions.propose_restore(case, by=sam, matches=hidden[:1])
        case.refresh_from_db()
        moves.move(case, State.ERASING)
        proposal.refresh_from_db()
        assert proposal.outcome == Outcome.OPEN
        moves.move(case, State.SETTLED)
        proposal.refresh_from_db()
        assert proposal.outcome == Outcome.TAKEN_BACK

    def test_it_is_too_late_once_the_image_cooled(self, case: Case, hidden: list[int], sam: User) -> None:
        clock.move(timedelta(hours=25))
        with pytest.raises(Stale):
            decisions.propose_restore(case, by=sam, matches=hidden)

    def test_it_still_can_be_restored_when_the_rest_of_the_case_was_refused(
        self, case: Case, hidden: list[int], sam: User, lee: User
    ) -> None:
        decisions.confirm(decisions.propose_refusal(case, by=sam, reason="another_person"), by=lee)
        proposal = decisions.propose_restore(case, by=sam, matches=hidden[:1])
        decisions.confirm(proposal, by=lee)
        assert Takedown.objects.filter(state="restored").count() == 1


def test_a_picture_that_could_not_be_shown_was_not_looked_at(case: Case, sam: User) -> None:
    for match in case.matches.all():
        service.erase(match.image_id, Store.DERIVED)
    decisions.unlock(case, by=sam, purpose="compare")
    queries.evidence_photo(case, sam, 1)
    for match in case.matches.all():
        assert queries.evidence_match(match, sam) is None
    with pytest.raises(Unseen):
        decisions.propose_decision(case, by=sam, delete=of_band(case, Band.PROBABLE))
    for match in case.matches.all():
        assert queries.source(match, sam).provenance is not None
    decisions.propose_decision(case, by=sam, delete=of_band(case, Band.PROBABLE))
