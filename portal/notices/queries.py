"""Reads for staff. Lists name clients of the operator and counts; a notice itself is read by who settles it."""

import json
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from portal.accounts.models import User
from portal.audit import append, seen
from portal.audit.tags import Tag
from portal.notices import content
from portal.notices.models import Notice, Recipient
from portal.notices.states import NoticeState

TEXT = "text"  # of a notice, as the trail calls it


def recipients() -> QuerySet[Recipient]:
    counts = {
        "on_their_way": Count("notices", filter=Q(notices__state__in=[NoticeState.COLLECTING, NoticeState.DUE])),
        "sent": Count("notices", filter=Q(notices__state=NoticeState.SENT)),
        "acknowledged": Count("notices", filter=Q(notices__state=NoticeState.ACKNOWLEDGED)),
    }
    return Recipient.objects.annotate(**counts).select_related("proposed_by").order_by("code")


@dataclass(frozen=True)
class Told:
    """What a notice says, save the links with which its recipient acknowledges it."""

    demand: str
    basis: str
    images: tuple[tuple[str, ...], ...]  # what it names of each, its id first


def text(notice: Notice, by: User) -> Told | None:
    """One entry in the trail for each reading. None where nothing of it is kept."""
    append.append(Tag.NOTICE_VIEWED, about=notice.pk, actor=by.pk, saw=TEXT)
    if notice.sealed is None:
        return None
    said = json.loads(content.opened(notice))
    images = tuple(
        (image["id"], *(str(value) for name, value in image.items() if name != "id" and value))
        for image in said["images"]
    )
    return Told(said["demand"], said["basis"], images)


def has_read(notice: Notice, by: User) -> bool:
    return not seen.unseen(notice.pk, by=by.pk, wanted=[TEXT])


def stuck() -> QuerySet[Notice]:
    """What waits for a person, oldest first."""
    waiting = Notice.objects.filter(state=NoticeState.STUCK).select_related("recipient")
    return waiting.annotate(images=Count("items")).order_by("opened_at")
