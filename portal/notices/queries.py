"""Reads for staff. Pages about recipients name clients of the operator and counts, never an image."""

from django.db.models import Count, Q, QuerySet

from portal.notices.models import Notice, Recipient
from portal.notices.states import NoticeState


def recipients() -> QuerySet[Recipient]:
    counts = {
        "on_their_way": Count("notices", filter=Q(notices__state__in=[NoticeState.COLLECTING, NoticeState.DUE])),
        "sent": Count("notices", filter=Q(notices__state=NoticeState.SENT)),
        "acknowledged": Count("notices", filter=Q(notices__state=NoticeState.ACKNOWLEDGED)),
    }
    return Recipient.objects.annotate(**counts).select_related("proposed_by").order_by("code")


def stuck() -> QuerySet[Notice]:
    """What waits for a person, oldest first."""
    waiting = Notice.objects.filter(state=NoticeState.STUCK).select_related("recipient")
    return waiting.annotate(images=Count("items")).order_by("opened_at")
