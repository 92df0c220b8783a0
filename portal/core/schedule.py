"""Fixed times, so that when something is said never depends on what was found."""

from datetime import UTC, datetime, timedelta

from django.conf import settings


def slot_after(received: datetime) -> datetime:
    """When the end of a case received then is announced."""
    return received + settings.ANSWER_SLOT


def publication_after(moment: datetime) -> datetime:
    """The first publication of the ledger at or after `moment`: whole intervals since 1970, so midnight UTC daily."""
    return fixed_time_after(moment, every=settings.PUBLISH_EVERY)


def fixed_time_after(moment: datetime, *, every: timedelta) -> datetime:
    """The first of such times at or after `moment`."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + -((epoch - moment) // every) * every
