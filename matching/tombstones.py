"""What was decided about images, kept outside the database and its backups.

A restored database has forgotten what was hidden and erased since its backup. This file has not: each line is
`instant verb image-id`, brought to the disk before the deed itself. The database keeps how many bytes of the file
it has seen, so one that comes from an earlier time is recognised, and nothing is answered from it until the rest
has been replayed. An image's id is random and says nothing about anybody.
"""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from matching import blobs
from matching.index import store as index
from matching.models import HarvestedImage, TombstoneMark
from matching.types import IndexBehind, Replayed, Store

log = structlog.get_logger()

# A line is on the disk a moment before the database has it; only what stays unseen longer comes from another time.
MOMENT = 1.0  # seconds
BATCH = 1000  # images erased again at a time


class Verb(StrEnum):
    HIDDEN = "hidden"
    SHOWN = "shown"
    GONE = "gone"


def path() -> Path:
    return Path(str(settings.MATCHING["TOMBSTONES"])) / "tombstones"


def record(verb: Verb, image_ids: Iterable[UUID]) -> None:
    """On the disk when this returns. A database that is behind is brought up to date first.

    Errors: IndexBehind where it is behind and the caller holds a transaction, in which nothing can be erased.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    lines = "".join(f"{now} {verb} {image_id}\n" for image_id in image_ids).encode()
    while lines and not _append_unless_behind(lines):
        if connection.in_atomic_block:
            raise IndexBehind("The index is behind its tombstones.")
        replay()


@transaction.atomic
def _append_unless_behind(lines: bytes) -> bool:
    mark = _locked_mark()
    if mark.bytes_seen != size():
        return False
    mark.bytes_seen = append(lines)
    mark.save()
    return True


def is_behind() -> bool:
    """Whether the database comes from before something that the file knows."""
    until = time.monotonic() + MOMENT
    while _seen() != size():
        if time.monotonic() > until:
            return True
        time.sleep(0.02)
    return False


def require_replayed() -> None:
    """Errors: IndexBehind."""
    if is_behind():
        raise IndexBehind("The index is older than what was erased from it; that is being erased again first.")


def replay(*, everything: bool = False) -> Replayed:
    """Do again what the database, or with `everything` the image store too, may have forgotten.

    Idempotent, and outside a transaction, because an erasure takes one of its own.
    """
    since, until = _seen(), size()
    if since > until:
        # Whoever has the file has the proof: without it a backup could bring images back unseen.
        log.error("matching.tombstones_lost", bytes_missing=since - until)
    replayed = _do_again(_last_verbs(0 if everything else since, until))
    with transaction.atomic():
        mark = _locked_mark()
        if mark.bytes_seen == since:
            mark.bytes_seen = until
            mark.save()
    log.info("matching.tombstones_replayed", gone=replayed.gone, came_back=len(replayed.came_back))
    return replayed


def _do_again(last: dict[UUID, Verb]) -> Replayed:
    by_verb = {verb: [image_id for image_id, was in last.items() if was is verb] for verb in Verb}
    came_back = _erase_again(sorted(by_verb[Verb.GONE]))
    hidden = HarvestedImage.objects.filter(id__in=by_verb[Verb.HIDDEN], hidden_at=None).update(hidden_at=Now())
    shown = HarvestedImage.objects.filter(id__in=by_verb[Verb.SHOWN], hidden_at__isnull=False).update(hidden_at=None)
    return Replayed(gone=len(by_verb[Verb.GONE]), came_back=came_back, hidden=hidden, shown=shown)


def _erase_again(image_ids: Sequence[UUID]) -> tuple[UUID, ...]:
    """Those of the images of which anything had come back."""
    back: set[UUID] = set()
    for batch in batched(image_ids, BATCH):
        for store in (Store.DERIVED, Store.IMAGES):
            held = blobs.store().holds(batch, store)
            blobs.store().remove(sorted(held), store)
            back |= held
        held = index().holds(batch)
        index().remove(sorted(held))
        back |= held
    return tuple(sorted(back))


def batched(image_ids: Sequence[UUID], size: int) -> Iterator[Sequence[UUID]]:
    return (image_ids[at : at + size] for at in range(0, len(image_ids), size))


def _last_verbs(since: int, until: int) -> dict[UUID, Verb]:
    """What was decided last about each image; what is gone stays gone."""
    last: dict[UUID, Verb] = {}
    for verb, image_id in _entries(since, until):
        if last.get(image_id) is not Verb.GONE:
            last[image_id] = verb
    return last


def _entries(since: int, until: int) -> Iterator[tuple[Verb, UUID]]:
    """A line that a crash left unfinished was never acknowledged; it is passed over."""
    if since >= until:
        return
    with path().open("rb") as file:
        file.seek(since)
        for line in file.read(until - since).splitlines():
            match line.split():
                case [_instant, verb, image_id] if len(image_id) == 36:
                    yield Verb(verb.decode()), UUID(image_id.decode())


def size() -> int:
    try:
        return path().stat().st_size
    except FileNotFoundError:
        return 0


def append(lines: bytes) -> int:
    """Add whole lines and bring them to the disk; returns the size of the file."""
    path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    is_new = not path().exists()
    with path().open("ab") as file:
        if file.tell() and not _ends_a_line():
            file.write(b"\n")
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())
        reached = file.tell()
    if is_new:
        _sync_folder()
    return reached


def _ends_a_line() -> bool:
    with path().open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _sync_folder() -> None:
    handle = os.open(path().parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _seen() -> int:
    return TombstoneMark.objects.values_list("bytes_seen", flat=True).first() or 0


def _locked_mark() -> TombstoneMark:
    """Held until the transaction ends, so that lines and marks are written in one order."""
    TombstoneMark.objects.get_or_create()
    return TombstoneMark.objects.select_for_update().get()
