"""A person may be in thousands of photos: every page that shows or decides them takes them all."""

from uuid import uuid4

import pytest
from django.test import Client

from portal.cases.models import Band, Case, Decision, Match, Proposal
from portal.cases.states import State
from tests.staff.build import look_at, reviewed

MANY = 1200  # more than the thousand fields that Django takes unless told otherwise


@pytest.fixture
def case(db: None) -> Case:
    """Images that are no longer in the index, which may be left without a look."""
    case = reviewed()
    Match.objects.bulk_create(
        Match(case=case, image_id=uuid4(), face_id=number, similarity=0.9, band=Band.PROBABLE) for number in range(MANY)
    )
    return case


def test_two_of_staff_decide_more_than_a_thousand_matches_in_one_form(
    case: Case, sam_client: Client, lee_client: Client
) -> None:
    for client in (sam_client, lee_client):
        look_at(client, case)
    page = f"/en/staff/cases/{case.code}/decide/"
    assert sam_client.get(page).content.decode().count('value="leave" checked') == MANY
    proposed = sam_client.post(page, {f"match-{match.pk}": "leave" for match in case.matches.all()})
    proposal = Proposal.objects.get(case=case)
    assert proposed.headers["Location"] == f"/en/staff/proposals/{proposal.pk}/"
    lee_client.post(f"/en/staff/proposals/{proposal.pk}/confirm/")
    assert case.matches.filter(decision=Decision.LEFT).count() == MANY
    case.refresh_from_db()
    assert case.state == State.ERASING
