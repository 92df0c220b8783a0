"""A stated period in words, in the reader's language."""

from datetime import timedelta

from django.utils.translation import ngettext


def in_words(period: timedelta) -> str:
    """15 minutes, 24 hours, 6 days, 3 years: the largest unit that reads well; what is left over is dropped."""
    minutes, hours = int(period.total_seconds() // 60), int(period.total_seconds() // 3600)
    if period.days and period.days % 365 == 0:
        years = period.days // 365
        return ngettext("%(count)d year", "%(count)d years", years) % {"count": years}
    if hours > 24:
        return ngettext("%(count)d day", "%(count)d days", period.days) % {"count": period.days}
    if minutes >= 60:
        return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
    return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
