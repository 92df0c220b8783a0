"""Due dates. Pure arithmetic over the statutes table."""

from datetime import date, timedelta

import holidays

from portal.policies.statutes import Count, Period, Statute

# What was approved is out of search, removed from every store and read back, and physically gone from data files, log
# and backups (docs/architecture.md, Promises).
HIDDEN_WITHIN = timedelta(minutes=1)
REMOVED_WITHIN = timedelta(hours=72)
PURGED_WITHIN = timedelta(days=7)


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
    calendar = holidays.country_holidays(statute.country, subdiv=statute.subdivision)
    day = start
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < 5 and day not in calendar
    return day
