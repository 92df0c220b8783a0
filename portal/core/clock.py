"""The time, in one place, so that a test can move it."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

_offset = timedelta()


def now() -> datetime:
    return timezone.now() + _offset


def today() -> date:
    """The date where the operator is, which is the date that statutes mean."""
    return now().astimezone(ZoneInfo(settings.TIME_ZONE)).date()


def move(by: timedelta) -> None:
    """Move the clock of this process; for tests and drills only."""
    global _offset
    _offset += by


def reset() -> None:
    global _offset
    _offset = timedelta()
