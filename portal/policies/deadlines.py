"""Due dates: arithmetic over the statutes table. Where a statute can be read in two ways, the earlier date is taken.

The day of receipt is not counted, the last day is; a last day on a weekend or holiday stays where it is.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal.policies.statutes import Count, Period, Place, Statute

# What was approved is out of search, removed from every store and read back, and physically gone from data files, log
# and backups (docs/architecture.md, Promises).
HIDDEN_WITHIN = timedelta(minutes=1)
REMOVED_WITHIN = timedelta(hours=72)
PURGED_WITHIN = timedelta(days=7)


@dataclass(frozen=True)
class DayOfReceipt:
    date: date
    zone: str  # of the IANA database: the one in which the date is counted


def day_of_receipt(at: datetime, place: Place) -> DayOfReceipt:
    """The date on which a request counts as received, where the subject lives: the earliest of the place's zones."""
    zone = min(place.zones, key=lambda name: _wall_clock(at, name))
    return DayOfReceipt(_wall_clock(at, zone).date(), zone)


def is_over(day: date, at: datetime, place: Place) -> bool:
    """Whether a due date has passed: it ends as soon as it ends in one of the place's zones."""
    return latest_date(at, place) > day


def latest_date(at: datetime, place: Place) -> date:
    return max(_wall_clock(at, zone) for zone in place.zones).date()


def end_of(day: date, zone: str) -> datetime:
    """The midnight with which a day ends in one time zone."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone))


def _wall_clock(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def due_on(received: date, statute: Statute) -> date:
    """The last day on which an answer is in time."""
    return after(received, statute.answer_in, statute)


def after(start: date, period: Period, statute: Statute) -> date:
    if period.count is Count.CALENDAR_DAYS:
        return start + timedelta(days=period.amount)
    if period.count is Count.CALENDAR_MONTHS:
        return add_months(start, period.amount)
    return _add_business_days(start, period.amount, statute)


def add_months(start: date, months: int) -> date:
    """The same day of a later month, or that month's last: 31 January and one month is 28 or 29 February."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    last = (date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(start.day, last))


def _add_business_days(start: date, days: int, statute: Statute) -> date:
    """Every statute that counts business days leaves out Saturdays, Sundays and the holidays that it names."""
    assert statute.holidays is not None
    day = start
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < 5 and day not in statute.holidays(day.year)
    return day
