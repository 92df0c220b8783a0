"""What workers do with a notice: close, send, chase, forget. Each may be interrupted anywhere and run again."""

from uuid import UUID

from django.db import transaction

from portal.audit import append
from portal.audit.tags import Tag
from portal.core import clock, keys
from portal.core.faults import Stale
from portal.core.http import NoAnswer, Refused
from portal.jobs import queue
from portal.jobs.run import NotYet
from portal.notices import content, moves, sending
from portal.notices.models import Channel, Notice, Recipient
from portal.notices.sending import NotDelivered
from portal.notices.states import ENDED, NoticeState
from portal.policies import notices as policy

# With the queue's growing pauses about two days.
ATTEMPTS = 48


def send(notice_id: str) -> None:
    notice = _close(UUID(notice_id))
    if notice.state != NoticeState.DUE:
        return
    if not notice.recipient.endpoint:
        moves.move(notice, NoticeState.STUCK, error="no channel")
        return
    try:
        acknowledged = _deliver(notice)
    except (Refused, NoAnswer, NotDelivered, OSError) as error:
        _not_delivered(notice, error)
    else:
        _delivered(notice, acknowledged=acknowledged)


def _close(notice_id: UUID) -> Notice:
    """Once its window is over nothing is added any more: the content is written, and each retry sends the same."""
    with transaction.atomic():
        notice = Notice.objects.select_related("recipient").get(pk=notice_id)
        # The lock that whoever adds an image takes first.
        Recipient.objects.select_for_update().get(pk=notice.recipient_id)
        notice.refresh_from_db(fields=["state", "sealed"])
        if notice.state == NoticeState.COLLECTING:
            if notice.closes_at > clock.now():
                raise NotYet("still collecting")
            content.close(notice)
    return notice


def _deliver(notice: Notice) -> bool:
    if notice.recipient.channel == Channel.WEBHOOK:
        return sending.by_webhook(notice)
    sending.by_mail(notice)
    return False


def _delivered(notice: Notice, *, acknowledged: bool) -> None:
    to = NoticeState.ACKNOWLEDGED if acknowledged else NoticeState.SENT
    try:
        with transaction.atomic():
            moves.move(notice, to)
            if not acknowledged:
                queue.enqueue("notice.chase", notice.pk, run_at=clock.now() + policy.ACKNOWLEDGE_WITHIN)
    except Stale:
        return  # it was acknowledged while its delivery was still being answered


def _not_delivered(notice: Notice, error: Exception) -> None:
    """The reason is kept by class or status: a text may quote what it was given."""
    reason = str(error) if isinstance(error, NotDelivered) else type(error).__name__
    tries = notice.attempts + 1
    permanent = isinstance(error, Refused) or (isinstance(error, NotDelivered) and error.permanent)
    Notice.objects.filter(pk=notice.pk).update(attempts=tries, last_error=reason)
    if permanent or tries >= ATTEMPTS:
        moves.move(notice, NoticeState.STUCK, error=reason)
        return
    raise NotYet(f"not delivered: {reason}")


def chase(notice_id: str) -> None:
    """Delivered, and not acknowledged within the stated days: a person takes it up."""
    notice = Notice.objects.get(pk=UUID(notice_id))
    if notice.state != NoticeState.SENT or notice.sent_at is None:
        return
    if notice.sent_at + policy.ACKNOWLEDGE_WITHIN > clock.now():
        raise NotYet("still in time")
    moves.move(notice, NoticeState.STUCK, error="not acknowledged")


def forget(notice_id: str) -> None:
    """What an ended notice said is gone with its key, in every copy; which images it named, by id, stays."""
    notice = Notice.objects.get(pk=UUID(notice_id))
    if notice.state in ENDED and keys.exists(notice.pk):
        keys.destroy(notice.pk)
        Notice.objects.filter(pk=notice.pk).update(sealed=None)
        append.append(Tag.NOTICE_FORGOTTEN, about=notice.pk)
