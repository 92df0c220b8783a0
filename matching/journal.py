"""What must outlive the restoring of a backup: one file outside the database, and what is on its way into it.

Its lines are of two sorts. A *deed*, `instant verb image-id`, is on the disk before it is done, because doing it again
is safe (matching.erasure.tombstones). A *note*, `instant kind note-id subject text .`, tells in what state something is
now. It begins as a row of the transaction that changed the state, and its line is written once that has committed and
before anybody is answered: no line tells what never happened. A process that dies between leaves the row, and the next
sweep writes the line.

The database keeps how many bytes of the file it has seen, so one that comes from an earlier time is recognised.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from matching.models import Note, TombstoneMark

LOCK = 0x7265706C  # one replay at a time
END = " .\n"


class Deed(NamedTuple):
    verb: str
    image_id: UUID


class Written(NamedTuple):
    """A note as it stands in the file."""

    kind: str
    note: UUID
    subject: UUID
    said: str


class Standing(NamedTuple):
    """What one database has seen of the file, and what it knows that the file may not."""

    since: int
    until: int
    unwritten: dict[UUID, tuple[str, UUID]]  # kind and subject of each note


def path() -> Path:
    return Path(str(settings.MATCHING["TOMBSTONES"])) / "tombstones"


def size() -> int:
    try:
        return path().stat().st_size
    except FileNotFoundError:
        return 0


def seen() -> int:
    return TombstoneMark.objects.values_list("bytes_seen", flat=True).first() or 0


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@transaction.atomic
def append_unless_behind(lines: bytes) -> bool:
    mark = locked_mark()
    if mark.bytes_seen != size():
        return False
    mark.bytes_seen = append(lines)
    mark.save()
    return True


def note(kind: str, subject: UUID, said: str) -> None:
    """In the transaction that changed the subject and still holds it. `said` is one line, empty where it is over."""
    Note.objects.create(kind=kind, subject=subject, said=said)


@transaction.atomic
def write_notes_unless_behind() -> bool:
    """The lines of what has committed; written twice where a crash comes between the file and the commit, no harm."""
    if not Note.objects.exists():
        return True
    mark = locked_mark()
    if mark.bytes_seen != size():
        return False
    notes = list(Note.objects.order_by("id"))
    instant = now()
    lines = "".join(f"{instant} {note.kind} {note.note} {note.subject} {note.said}{END}" for note in notes)
    mark.bytes_seen = append(lines.encode())
    mark.save()
    Note.objects.filter(id__in=[note.id for note in notes]).delete()
    return True


def standing() -> Standing:
    """Once no line is between the file and its commit."""
    with transaction.atomic():
        since = locked_mark().bytes_seen
        return Standing(since, size(), {note.note: (note.kind, note.subject) for note in Note.objects.defer("said")})


@transaction.atomic
def has_seen(since: int, until: int) -> None:
    mark = locked_mark()
    if mark.bytes_seen == since:
        mark.bytes_seen = until
        mark.save()


def deeds(since: int, until: int) -> Iterator[Deed]:
    """A line that a crash left unfinished was never acknowledged; it is passed over."""
    for _at, line in _lines(since, until):
        match line.split():
            case [_instant, verb, image_id] if len(image_id) == 36:
                yield Deed(verb.decode(), UUID(image_id.decode()))


def notes(asked: Standing) -> Iterator[Written]:
    """The last note about each subject, unless the database itself has one as new or newer that is still unwritten."""
    last: dict[tuple[str, UUID], int] = {}
    written: set[UUID] = set()
    for at, line in _lines(asked.since, asked.until):
        if (found := _note(line)) is not None:
            last[found.kind, found.subject] = at
            written.add(found.note)
    newer_here = {subject for note, subject in asked.unwritten.items() if note not in written}
    for subject, at in last.items():
        found = _note(_line_at(at))
        if found is not None and subject not in newer_here and found.note not in asked.unwritten:
            yield found


def _note(line: bytes) -> Written | None:
    """None where it is a deed, or was cut off by a crash; then its row is still there, and the line comes again."""
    match line.removesuffix(END.encode()).split(b" ", 4):
        case [_instant, kind, note, subject, said] if line.endswith(END.encode()):
            return Written(kind.decode(), UUID(note.decode()), UUID(subject.decode()), said.decode())
    return None


def _lines(since: int, until: int) -> Iterator[tuple[int, bytes]]:
    """Each with its place in the file. Read one by one, since what is sealed in them may be larger than the memory."""
    if since >= until:
        return
    with path().open("rb") as file:
        file.seek(since)
        at = since
        while at < until and (line := file.readline(until - at)):
            yield at, line
            at += len(line)


def _line_at(at: int) -> bytes:
    with path().open("rb") as file:
        file.seek(at)
        return file.readline()


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


def locked_mark() -> TombstoneMark:
    """Held until the transaction ends, so that lines and marks are written in one order."""
    TombstoneMark.objects.get_or_create()
    return TombstoneMark.objects.select_for_update().get()


@contextmanager
def one_replay() -> Iterator[None]:
    """Else a second one could put back what people changed once the first had ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
