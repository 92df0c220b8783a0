"""What people may do about notices: the recipient acknowledges, staff name channels, try again, settle."""

from django.db import transaction

from portal.accounts.models import User
from portal.audit import append, seen
from portal.audit.tags import Tag
from portal.core import http
from portal.core.faults import IllegalMove, NotAllowed
from portal.jobs import queue
from portal.notices import content, moves, queries
from portal.notices.models import Channel, Notice, Recipient, SettledBecause
from portal.notices.states import ENDED, NoticeState


class BadEndpoint(ValueError):
    """Such an address is never called; the text says why."""


def find(token: str) -> Notice | None:
    return Notice.objects.select_related("recipient").filter(token_digest=content.digest(token)).first()


@transaction.atomic
def acknowledge(notice: Notice) -> None:
    """The recipient has deleted what it was told to. Saying so twice is no error."""
    notice = Notice.objects.select_for_update().get(pk=notice.pk)
    if notice.state in ENDED:
        return
    append.append(Tag.NOTICE_ACKNOWLEDGED, about=notice.pk)
    moves.move(notice, NoticeState.ACKNOWLEDGED)


@transaction.atomic
def propose_channel(recipient: Recipient, channel: Channel, endpoint: str, language: str, *, by: User) -> None:
    """Errors: BadEndpoint. Nothing is sent there until a second person confirms it."""
    if channel == Channel.WEBHOOK:
        _check(endpoint)
    recipient.proposed_channel, recipient.proposed_endpoint = channel, endpoint
    recipient.proposed_language, recipient.proposed_by = language, by
    recipient.save()
    append.append(Tag.RECIPIENT_PROPOSED, about=recipient.pk, actor=by.pk, channel=channel.value)


def _check(url: str) -> None:
    try:
        target = http.read(url)
    except http.Refused as refused:
        raise BadEndpoint(str(refused)) from None
    if not target.secure and not target.is_allowed_private:
        raise BadEndpoint("a notice names addresses of images and travels by https only")


@transaction.atomic
def confirm_channel(recipient: Recipient, *, by: User) -> None:
    """Errors: NotAllowed for whoever proposed it. Notices that waited for a channel are sent now."""
    recipient = Recipient.objects.select_for_update().get(pk=recipient.pk)
    if recipient.proposed_by_id in (None, by.pk):
        raise NotAllowed
    recipient.channel, recipient.endpoint = recipient.proposed_channel, recipient.proposed_endpoint
    recipient.language = recipient.proposed_language
    _drop_proposal(recipient)
    append.append(Tag.RECIPIENT_CONFIRMED, about=recipient.pk, actor=by.pk, channel=recipient.channel)
    for notice in recipient.notices.filter(state=NoticeState.STUCK, last_error="no channel"):
        _send_again(notice, by=by)


@transaction.atomic
def decline_channel(recipient: Recipient, *, by: User) -> None:
    recipient = Recipient.objects.select_for_update().get(pk=recipient.pk)
    if recipient.proposed_by_id is None:
        raise NotAllowed
    _drop_proposal(recipient)
    append.append(Tag.RECIPIENT_DECLINED, about=recipient.pk, actor=by.pk)


def _drop_proposal(recipient: Recipient) -> None:
    recipient.proposed_channel = recipient.proposed_endpoint = recipient.proposed_language = ""
    recipient.proposed_by = None
    recipient.save()


@transaction.atomic
def retry(notice: Notice, *, by: User) -> None:
    """Send one that is stuck again. Errors: IllegalMove, Stale."""
    if notice.state != NoticeState.STUCK:  # one that still collects has no content yet, and is due at its own time
        raise IllegalMove(f"{notice.state} is not stuck")
    _send_again(notice, by=by)


def _send_again(notice: Notice, *, by: User) -> None:
    moves.move(notice, NoticeState.DUE, by=by.pk, attempts=0)
    append.append(Tag.NOTICE_RETRIED, about=notice.pk, actor=by.pk)
    queue.enqueue("notice.send", notice.pk)


@transaction.atomic
def settle(notice: Notice, *, by: User, because: SettledBecause) -> None:
    """Errors: Unseen for whoever has not read the notice, IllegalMove, Stale."""
    seen.require(notice.pk, by=by.pk, wanted=[queries.TEXT])
    moves.move(notice, NoticeState.SETTLED, by=by.pk, settled_because=because)
    append.append(Tag.NOTICE_SETTLED, about=notice.pk, actor=by.pk, because=because.value)
