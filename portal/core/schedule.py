"""Fixed times, so that when something is said never depends on what was found."""

from datetime import datetime

from django.conf import settings


def slot_after(received: datetime) -> datetime:
    """When the end of a case received then is announced."""
    return received + settings.ANSWER_SLOT
