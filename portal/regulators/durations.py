"""How long something took, in words."""

from datetime import timedelta

from django.utils.translation import ngettext


def duration(length: timedelta) -> str:
    """Rounded to the unit a person would say: 40 seconds, 12 minutes, 3 hours, 5 days."""
    seconds = round(length.total_seconds())
    if seconds < 60:
        return ngettext("%(n)s second", "%(n)s seconds", seconds) % {"n": seconds}
    if seconds < 2 * 3600:
        minutes = round(seconds / 60)
        return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}
    if seconds < 48 * 3600:
        hours = round(seconds / 3600)
        return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}
    days = round(seconds / 86400)
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}
