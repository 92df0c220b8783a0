"""The titles of laws in both languages, and changes of law."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from portal.cases import law_titles
from portal.cases.models import Case
from portal.cases.states import State
from portal.core import clock
from portal.policies import statutes
from portal.policies.statutes import ALBERTA, Count, Period
from tests.builders import make_case

FROM = date(2031, 3, 1)
SHORTER = ALBERTA.amended(FROM, answer_in=Period(20, Count.CALENDAR_DAYS))


def test_it_names_every_law_as_the_table_does() -> None:
    assert {code: str(title) for code, title in law_titles.TITLES.items()} == {
        statute.code: statute.title for statute in statutes.ROWS
    }


@pytest.mark.django_db
def test_a_change_of_law_on_a_future_day_is_one_row_and_moves_no_running_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(statutes, "ROWS", (*statutes.ROWS, SHORTER))
    # The evening before in Alberta, where it is seven hours earlier than in UTC.
    clock.move(datetime(2031, 3, 1, 6, 59, tzinfo=UTC) - clock.now())
    before = make_case(State.RECEIVED, place="CA-AB")
    assert (before.received_on, before.due_on) == (date(2031, 2, 28), date(2031, 4, 14))
    clock.move(datetime(2031, 3, 1, 7, 1, tzinfo=UTC) - clock.now())
    after = make_case(State.RECEIVED, place="CA-AB")
    assert (after.received_on, after.due_on) == (FROM, date(2031, 3, 21))
    assert Case.objects.get(pk=before.pk).due_on == date(2031, 4, 14)


@pytest.mark.django_db
def test_a_new_act_of_a_province_takes_over_from_the_federal_one_on_its_day(monkeypatch: pytest.MonkeyPatch) -> None:
    act = replace(ALBERTA, code="ca-on-new", places=("CA-ON",), effective_from=FROM)
    monkeypatch.setattr(statutes, "ROWS", (*statutes.ROWS, act))
    clock.move(datetime(2031, 3, 1, 12, 0, tzinfo=UTC) - clock.now())
    assert make_case(State.RECEIVED, place="CA-ON").statute == "ca-on-new"
    assert make_case(State.RECEIVED, place="CA-MB").statute == "ca-pipeda"
