"""The one writer of a notice's state."""

from datetime import datetime

from django.db import transaction

from portal.audit import append
from portal.audit.tags import Tag
from portal.core import clock
from portal.jobs import queue
from portal.notices.models import Notice
from portal.notices.states import ENDED, MOVES, NoticeState

_STAMPS = {NoticeState.SENT: "sent_at", NoticeState.ACKNOWLEDGED: "acknowledged_at"}


class IllegalMove(Exception):
    """The table of moves has no such move."""


class Stale(Exception):
    """Another writer was quicker."""


@transaction.atomic
def move(notice: Notice, to: NoticeState, *, by: int | None = None, error: str = "", **values: object) -> None:
    """Errors: IllegalMove, Stale. What an ended notice said is destroyed with its key, by a job of its own."""
    was = notice.state
    if to not in MOVES[was]:
        raise IllegalMove(f"{was} → {to}")
    stamps: dict[str, datetime] = {_STAMPS[to]: clock.now()} if to in _STAMPS else {}
    changed = {"state": to, "last_error": error, **stamps, **values}
    if not Notice.objects.filter(pk=notice.pk, state=was).update(**changed):
        raise Stale(f"{was} → {to}")
    for name, value in changed.items():
        setattr(notice, name, value)
    append.append(Tag.NOTICE_MOVED, about=notice.pk, actor=by, was=was, to=to.value, error=error)
    if to in ENDED:
        queue.enqueue("notice.forget", notice.pk)
