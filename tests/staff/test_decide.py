"""Deciding: one person for what is certain, after a confirmation; two for what is unclear and for a refusal."""

import pytest
from django.test import Client

from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.cases.models import Case, Decision, Outcome, Proposal
from portal.cases.states import State
from portal.takedowns.models import Takedown
from tests.staff.build import numbers, reviewed


@pytest.fixture
def case(db: None) -> Case:
    return reviewed(certain=2, probable=2)


def page(case: Case, verb: str = "") -> str:
    return f"/en/staff/cases/{case.code}/{verb}"


def propose(client: Client, case: Case, **choices: str) -> Proposal:
    """Propose to delete all, save what `choices` says otherwise."""
    matches = case.matches.filter(decision=Decision.OPEN)
    client.post(page(case, "decide/"), {f"match-{match.pk}": "delete" for match in matches} | choices)
    return Proposal.objects.get(case=case, outcome=Outcome.OPEN)


def test_what_is_certain_is_ticked_and_deleted_only_after_a_confirmation(case: Case, sam_client: Client) -> None:
    certain = numbers(case, "certain")
    shown = sam_client.get(page(case)).content.decode()
    assert all(f'value="{pk}" checked' in shown for pk in certain)
    assert not any(f'value="{pk}"' in shown for pk in numbers(case, "probable"))
    asked = sam_client.post(page(case, "approve/"), {"matches": certain})
    assert "Delete 2 images?" in asked.content.decode()
    assert not Takedown.objects.exists()
    done = sam_client.post(page(case, "approve/"), {"matches": certain, "confirmed": "yes"}, follow=True)
    assert "Deletion of 2 images began." in done.content.decode()
    assert Takedown.objects.count() == 2
    case.refresh_from_db()
    assert case.state == State.REVIEW  # the unclear ones are still open


def test_ticking_nothing_is_an_error_that_says_so(case: Case, sam_client: Client) -> None:
    shown = sam_client.post(page(case, "approve/"), {"confirmed": "yes"}).content.decode()
    assert "<title>Error:" in shown
    assert 'href="#id_matches_0"' in shown
    assert 'id="id_matches_0"' in shown


def test_one_person_cannot_approve_what_is_unclear(case: Case, sam_client: Client) -> None:
    sam_client.post(page(case, "approve/"), {"matches": numbers(case, "probable"), "confirmed": "yes"})
    assert not Takedown.objects.exists()
    assert not Entry.objects.filter(tag=Tag.MATCHES_APPROVED).exists()


def test_one_case_cannot_decide_the_matches_of_another(case: Case, sam_client: Client) -> None:
    other = reviewed(certain=1)
    sam_client.post(page(case, "approve/"), {"matches": numbers(other, "certain"), "confirmed": "yes"})
    assert not Takedown.objects.exists()


def test_approving_twice_deletes_once(case: Case, sam_client: Client) -> None:
    sent = {"matches": numbers(case, "certain"), "confirmed": "yes"}
    for _ in range(2):
        sam_client.post(page(case, "approve/"), sent)
    assert Takedown.objects.count() == 2


def test_every_unclear_image_needs_a_choice(case: Case, sam_client: Client) -> None:
    first, _second = numbers(case, "probable")
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
    proposal = Proposal.objects.get()
    sam_client.post(f"/en/staff/proposals/{proposal.pk}/confirm/")
    case.refresh_from_db()
    assert case.state == State.REVIEW
    lee_client.post(f"/en/staff/proposals/{proposal.pk}/confirm/")
    case.refresh_from_db()
    assert case.state == State.REFUSED


def test_the_page_tells_what_happened_in_sentences(case: Case, sam_client: Client, lee_client: Client) -> None:
    proposal = propose(sam_client, case)
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


def test_an_image_can_be_restored_while_it_cools(case: Case, sam_client: Client) -> None:
    from_case = {"matches": numbers(case, "certain"), "confirmed": "yes"}
    sam_client.post(page(case, "approve/"), from_case)
    takedown = Takedown.objects.order_by("pk")[0]
    late = sam_client.post(page(case, f"takedowns/{takedown.pk}/restore/"), follow=True)
    assert "Too late" in late.content.decode()
    other = reviewed(certain=1)
    assert sam_client.post(page(other, f"takedowns/{takedown.pk}/restore/")).status_code == 404
