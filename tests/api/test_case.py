"""GET /api/v1/case/: what the subject is told on the page, and no more."""

import pytest
from django.conf import settings
from django.test import Client

from portal.cases.states import State
from portal.core import clock
from tests.builders import make_case, session_of

PATH = "/api/v1/case/"


def test_without_a_case_there_is_nothing(client: Client, sam_client: Client, rita_client: Client) -> None:
    for browser in (client, sam_client, rita_client):
        assert browser.get(PATH).status_code == 404


def test_it_is_only_read(ana: Client) -> None:
    assert ana.post(PATH).status_code == 405


def test_it_tells_of_the_sessions_own_case(db: None) -> None:
    case = make_case(State.RECEIVED)
    make_case(State.RECEIVED)
    answer = session_of(case).get(PATH)
    told = answer.json()
    assert told["reference"] == case.reference
    own = {"reference", "place", "received_at", "received_on", "received_zone"}
    assert set(told) == {"state", "slot_at", "due_on"} | own
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize(
    "state", [State.RECEIVED, State.SEARCHING, State.REVIEW, State.ERASING, State.SETTLED, State.REFUSED]
)
def test_the_state_it_tells_depends_on_the_clock_alone(db: None, state: State) -> None:
    case = session_of(make_case(state))
    assert case.get(PATH).json()["state"] == "received"
    clock.move(settings.ANSWER_SLOT)
    assert case.get(PATH).json()["state"] == "finished"
