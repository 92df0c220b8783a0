"""The one writer of a notice's state."""

from datetime import datetime

from django.db import transaction

from portal.audit import append
from portal.audit.tags import Tag
from portal.core import clock, moving
from portal.jobs import queue
from portal.notices.models import Notice
from portal.notices.states import ENDED, MOVES, NoticeState

_STAMPS = {NoticeState.SENT: "sent_at", NoticeState.ACKNOWLEDGED: "acknowledged_at"}


@transaction.atomic
def move(notice: Notice, to: NoticeState, *, by: int | None = None, error: str = "", **values: object) -> None:
    """Move a notice to another state and set `values`, with its entry in the trail. Errors: IllegalMove, Stale.

    `error` says why sending failed. When a notice ends, a job of its own destroys what it said, with its key.
    """
    was = notice.state
    stamps: dict[str, datetime] = {_STAMPS[to]: clock.now()} if to in _STAMPS else {}
    moving.move(notice, to, MOVES, last_error=error, **stamps, **values)
    append.append(Tag.NOTICE_MOVED, about=notice.pk, actor=by, was=was, to=to.value, error=error)
    if to in ENDED:
        queue.enqueue("notice.forget", notice.pk)
