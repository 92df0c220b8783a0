"""Restoring a hidden image: proposed by one, confirmed by another, while it cools."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from matching import service
from portal.accounts.models import User
from portal.cases import decisions
from portal.cases.models import Band, Case, Decision, Match, Outcome, Proposal
from portal.cases.states import State
from portal.core import clock
from portal.takedowns.models import Takedown
from tests.builders import assign, astronaut_jpeg, harvest, look_at, make_case
from tests.staff.build import reviewed, with_photo

pytestmark = pytest.mark.models

COOLING = timedelta(hours=24)


@pytest.fixture
def hidden(db: None, tmp_path: Path, sam: User, lee: User, settings: Settings, drain: Callable[[], int]) -> Match:
    """The one image of a case, out of search and cooling."""
    settings.COOLING = COOLING
    (image_id,) = harvest(tmp_path, {"ana.jpg": astronaut_jpeg()}).values()
    case = assign(make_case(State.REVIEW))
    with_photo(case)
    match = Match.objects.create(case=case, image_id=image_id, band=Band.CERTAIN)
    look_at(case, sam, lee)
    decisions.approve(case, by=sam, matches=[match.pk])
    drain()
    assert not service.searchable([image_id])
    return match


def page(case: Case) -> str:
    return f"/en/staff/cases/{case.code}/"


def propose(client: Client, match: Match) -> str:
    """The address of the proposal."""
    answer = client.post(f"{page(match.case)}matches/{match.pk}/restore/")
    return str(answer.headers["Location"])


def test_two_people_bring_an_image_back_into_search(hidden: Match, sam_client: Client, lee_client: Client) -> None:
    assert "Propose to restore" in sam_client.get(page(hidden.case)).content.decode()
    proposal = propose(sam_client, hidden)
    assert not service.searchable([hidden.image_id])
    waiting = lee_client.get(page(hidden.case)).content.decode()
    assert "sam proposes to restore a hidden image." in waiting
    assert "Propose to restore" not in waiting
    assert "Restore hidden images" in lee_client.get("/en/staff/").content.decode()
    assert "If you confirm, 1 image comes back into search" in lee_client.get(proposal).content.decode()
    done = lee_client.post(f"{proposal}confirm/", follow=True).content.decode()
    assert 'data-takedown="restored"' in done
    assert "sam proposed to restore a hidden image" in done
    assert "lee restored an image" in done
    assert service.searchable([hidden.image_id]) == {hidden.image_id}
    hidden.refresh_from_db()
    assert hidden.decision == Decision.LEFT


def test_the_proposer_alone_restores_nothing(hidden: Match, sam_client: Client) -> None:
    proposal = propose(sam_client, hidden)
    refused = sam_client.post(f"{proposal}confirm/", follow=True).content.decode()
    assert "needs another person" in refused
    assert Takedown.objects.get().state == "hidden"
    assert not service.searchable([hidden.image_id])


@pytest.mark.parametrize(("verb", "outcome"), [("decline", Outcome.DECLINED), ("take-back", Outcome.TAKEN_BACK)])
def test_a_proposal_that_ended_leaves_it_hidden(
    hidden: Match, sam_client: Client, lee_client: Client, verb: str, outcome: str
) -> None:
    proposal = propose(sam_client, hidden)
    (lee_client if verb == "decline" else sam_client).post(f"{proposal}{verb}/")
    assert Proposal.objects.get().outcome == outcome
    assert not service.searchable([hidden.image_id])
    assert "Propose to restore" in sam_client.get(page(hidden.case)).content.decode()


def test_once_it_cooled_it_is_too_late_for_both(hidden: Match, sam_client: Client, lee_client: Client) -> None:
    proposal = propose(sam_client, hidden)
    clock.move(COOLING + timedelta(seconds=1))
    late = lee_client.post(f"{proposal}confirm/", follow=True).content.decode()
    assert "Too late: the cooling time is over." in late
    assert Takedown.objects.get().state == "hidden"
    sam_client.post(f"{proposal}take-back/")
    again = sam_client.post(f"{page(hidden.case)}matches/{hidden.pk}/restore/", follow=True).content.decode()
    assert "the cooling time is over" in again
    assert not service.searchable([hidden.image_id])


def test_what_is_not_hidden_cannot_be_restored(sam_client: Client) -> None:
    case = reviewed(certain=1)
    match = case.matches.get()
    told = sam_client.post(f"{page(case)}matches/{match.pk}/restore/", follow=True).content.decode()
    assert "Nothing was changed" in told
    assert not Proposal.objects.exists()


def test_a_match_is_restored_in_its_own_case_only(hidden: Match, sam_client: Client) -> None:
    other = reviewed(certain=1)
    assert sam_client.post(f"{page(other)}matches/{hidden.pk}/restore/").status_code == 404
    assert not Proposal.objects.exists()
