"""Due dates, each against the calendar."""

from datetime import date

import pytest

from portal.policies import statutes
from portal.policies.deadlines import add_months, due_on
from portal.policies.statutes import Statute


@pytest.mark.parametrize(
    ("statute", "received", "due"),
    [
        (statutes.PIPEDA, date(2026, 1, 31), date(2026, 3, 2)),
        (statutes.GDPR, date(2026, 1, 31), date(2026, 2, 28)),
        (statutes.GDPR, date(2028, 1, 31), date(2028, 2, 29)),
        (statutes.GDPR, date(2026, 12, 15), date(2027, 1, 15)),
        (statutes.ALBERTA, date(2026, 11, 1), date(2026, 12, 16)),
        # From Tuesday 1 December 2026: Christmas Day, Boxing Day's Saturday, New Year's Day and weekends do not count.
        (statutes.BRITISH_COLUMBIA, date(2026, 12, 1), date(2027, 1, 14)),
        (statutes.CALIFORNIA, date(2026, 1, 1), date(2026, 2, 15)),
    ],
)
def test_it_counts_as_the_statute_does(statute: Statute, received: date, due: date) -> None:
    assert due_on(received, statute) == due


def test_a_month_is_never_longer_than_the_month_it_ends_in() -> None:
    for day in (28, 29, 30, 31):
        assert add_months(date(2027, 1, day), 1) == date(2027, 2, 28)


def test_every_place_has_a_clock_with_its_source() -> None:
    assert {place.statute.code for place in statutes.PLACES.values()} == set(statutes.ALL)
    assert all(statute.source and statute.answer_in.amount > 0 for statute in statutes.ALL.values())
