"""Days that a statute's own definition of a holiday names. Every other day counts.

A calendar of the days on which people are off work is longer: it moves a holiday that falls on a weekend to the next
Monday, which no definition here does. Where it is not certain that a definition names a day, the day is left out: one
holiday fewer makes a due date earlier, never later.
"""

from datetime import date, timedelta

from dateutil.easter import easter


def british_columbia(year: int) -> frozenset[date]:
    """Interpretation Act, RSBC 1996, c. 238, s. 29, "holiday"; it names Sundays too.

    Left out: the National Day for Truth and Reconciliation (its amendment was not read) and Thanksgiving Day, which is
    one only by proclamation; a proclaimed Monday for 1 July on a Sunday.
    """
    easter_sunday = easter(year)
    return frozenset(
        {
            date(year, 1, 1),
            _monday(year, 2, nth=3),  # Family Day
            easter_sunday - timedelta(days=2),  # Good Friday
            easter_sunday + timedelta(days=1),  # Easter Monday
            _monday_before(date(year, 5, 25)),  # Victoria Day
            date(year, 7, 1),  # Canada Day
            _monday(year, 8, nth=1),  # British Columbia Day
            _monday(year, 9, nth=1),  # Labour Day
            date(year, 11, 11),  # Remembrance Day
            date(year, 12, 25),
            date(year, 12, 26),
        }
    )


def _monday(year: int, month: int, *, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=-first.weekday() % 7 + 7 * (nth - 1))


def _monday_before(day: date) -> date:
    return day - timedelta(days=day.weekday() or 7)
