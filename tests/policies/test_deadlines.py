"""Due dates, each against the calendar and the words of its statute."""

from datetime import UTC, date, datetime, timedelta

import pytest

from portal.policies import statutes
from portal.policies.deadlines import add_months, day_of_receipt, due_on, is_over
from portal.policies.statutes import PLACES, Statute

# Each row was counted by hand: received, then the last day on which an answer is in time.
WORKED = [
    # 30 calendar days: over 28 and 29 February, over the year's end, onto a Sunday and a holiday, which move nothing.
    (statutes.PIPEDA, "2026-01-31", "2026-03-02"),
    (statutes.PIPEDA, "2028-01-31", "2028-03-01"),
    (statutes.PIPEDA, "2028-02-29", "2028-03-30"),
    (statutes.PIPEDA, "2026-12-15", "2027-01-14"),
    (statutes.PIPEDA, "2027-11-25", "2027-12-25"),
    (statutes.PIPEDA, "2027-01-15", "2027-02-14"),
    (statutes.QUEBEC, "2026-01-31", "2026-03-02"),
    (statutes.QUEBEC, "2028-02-01", "2028-03-02"),
    (statutes.QUEBEC, "2026-12-02", "2027-01-01"),
    (statutes.QUEBEC, "2027-05-25", "2027-06-24"),
    # 45 calendar days.
    (statutes.ALBERTA, "2026-11-01", "2026-12-16"),
    (statutes.ALBERTA, "2026-12-01", "2027-01-15"),
    (statutes.ALBERTA, "2028-02-15", "2028-03-31"),
    (statutes.ALBERTA, "2027-02-15", "2027-04-01"),
    (statutes.CALIFORNIA, "2026-01-01", "2026-02-15"),
    (statutes.CALIFORNIA, "2027-11-20", "2028-01-04"),
    (statutes.CALIFORNIA, "2028-01-16", "2028-03-01"),
    # One month: the same day of the next, or its last.
    (statutes.GDPR, "2026-01-31", "2026-02-28"),
    (statutes.GDPR, "2028-01-31", "2028-02-29"),
    (statutes.GDPR, "2027-02-28", "2027-03-28"),
    (statutes.GDPR, "2026-12-15", "2027-01-15"),
    (statutes.GDPR, "2027-11-25", "2027-12-25"),
    (statutes.GDPR, "2027-08-31", "2027-09-30"),
    (statutes.UK_GDPR, "2026-01-30", "2026-02-28"),
    (statutes.UK_GDPR, "2028-02-29", "2028-03-29"),
    (statutes.UK_GDPR, "2026-12-31", "2027-01-31"),
    # 30 business days. 25 December 2026, a Friday, and 1 January 2027.
    (statutes.BRITISH_COLUMBIA, "2026-12-01", "2027-01-14"),
    # Family Day, 15 February 2027; then Good Friday and Easter Monday, 26 and 29 March 2027.
    (statutes.BRITISH_COLUMBIA, "2027-01-04", "2027-02-16"),
    (statutes.BRITISH_COLUMBIA, "2027-03-01", "2027-04-14"),
    # Victoria Day, 24 May 2027; Canada Day, Thursday 1 July, and British Columbia Day, 2 August.
    (statutes.BRITISH_COLUMBIA, "2027-05-03", "2027-06-15"),
    (statutes.BRITISH_COLUMBIA, "2027-06-28", "2027-08-11"),
    # Labour Day, 6 September 2027; 30 September and the second Monday of October count, since nothing read names them.
    (statutes.BRITISH_COLUMBIA, "2027-09-01", "2027-10-14"),
    # Remembrance Day, Thursday 11 November 2027; Christmas and the 26th are Saturday and Sunday, and no Monday is off.
    (statutes.BRITISH_COLUMBIA, "2027-11-01", "2027-12-14"),
    (statutes.BRITISH_COLUMBIA, "2027-12-01", "2028-01-12"),
    # 1 January and 1 July 2028 are Saturdays, and no Monday is off; 29 February is a day like others.
    (statutes.BRITISH_COLUMBIA, "2027-12-20", "2028-01-31"),
    (statutes.BRITISH_COLUMBIA, "2028-02-01", "2028-03-15"),
    (statutes.BRITISH_COLUMBIA, "2028-06-15", "2028-07-27"),
    # 11 November 2028 is a Saturday; Christmas is a Monday and the 26th a Tuesday.
    (statutes.BRITISH_COLUMBIA, "2028-11-09", "2028-12-21"),
    (statutes.BRITISH_COLUMBIA, "2028-12-01", "2029-01-17"),
    # 1 July 2029 is a Sunday.
    (statutes.BRITISH_COLUMBIA, "2029-06-15", "2029-07-27"),
]


@pytest.mark.parametrize(("statute", "received", "due"), WORKED)
def test_it_counts_as_the_statute_does(statute: Statute, received: str, due: str) -> None:
    assert due_on(date.fromisoformat(received), statute) == date.fromisoformat(due)


def test_every_statute_has_worked_dates() -> None:
    assert {row.code for row in statutes.ROWS} == {statute.code for statute, _received, _due in WORKED}


def test_a_month_is_never_longer_than_the_month_it_ends_in() -> None:
    for day in (28, 29, 30, 31):
        assert add_months(date(2027, 1, day), 1) == date(2027, 2, 28)


@pytest.mark.parametrize(
    ("place", "at", "day"),
    [
        # Newfoundland keeps half an hour ahead of Labrador: there it is still the old year.
        ("CA-NL", "2027-01-01T03:45Z", "2026-12-31"),
        ("CA-NL", "2027-01-01T04:00Z", "2027-01-01"),
        # Winter and summer time: midnight in Toronto is 05:00, then 04:00 UTC; the clocks go forward on 14 March 2027.
        ("CA-QC", "2027-03-14T04:59Z", "2027-03-13"),
        ("CA-QC", "2027-03-14T05:00Z", "2027-03-14"),
        ("CA-QC", "2027-03-15T04:00Z", "2027-03-15"),
        # The north-west of Ontario is an hour behind.
        ("CA-ON", "2027-01-01T05:30Z", "2026-12-31"),
        ("CA-ON", "2027-01-01T06:00Z", "2027-01-01"),
        # Saskatchewan never changes its clocks, but Lloydminster does.
        ("CA-SK", "2027-01-01T06:30Z", "2026-12-31"),
        ("CA-SK", "2027-07-01T06:00Z", "2027-07-01"),
        ("GB", "2028-02-29T23:59Z", "2028-02-29"),
        ("GB", "2027-06-30T23:00Z", "2027-07-01"),
        # In Paris it is 1 February, in Martinique 31 January.
        ("EU", "2028-02-01T03:59Z", "2028-01-31"),
        ("EU", "2028-02-01T04:00Z", "2028-02-01"),
        ("US-CA", "2027-01-01T07:59Z", "2026-12-31"),
        ("OTHER", "2027-01-01T11:59Z", "2026-12-31"),
    ],
)
def test_the_day_of_receipt_is_the_earliest_date_where_the_subject_lives(place: str, at: str, day: str) -> None:
    assert day_of_receipt(datetime.fromisoformat(at), PLACES[place]).date == date.fromisoformat(day)


def test_the_zone_that_counts_is_named() -> None:
    assert day_of_receipt(datetime(2027, 1, 1, 5, 30, tzinfo=UTC), PLACES["CA-ON"]).zone == "America/Winnipeg"


def test_a_due_day_ends_where_it_ends_first() -> None:
    due = date(2028, 2, 29)
    # Réunion is four hours ahead of UTC, the Kootenays seven behind.
    for place, ends in (("EU", "2028-02-29T20:00Z"), ("CA-BC", "2028-03-01T07:00Z"), ("GB", "2028-03-01T00:00Z")):
        end = datetime.fromisoformat(ends)
        assert is_over(due, end, PLACES[place])
        assert not is_over(due, end - timedelta(seconds=1), PLACES[place])


def test_every_place_has_a_clock_with_its_source() -> None:
    today = date(2026, 11, 22)
    assert {statutes.law_of(place, today).code for place in PLACES} == {row.code for row in statutes.ROWS}
    assert all(row.source and row.answer_in.amount > 0 for row in statutes.ROWS)
