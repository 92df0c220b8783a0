"""The table that says who is in which photo, for measuring how well a pack tells people apart.

A table (CSV or Parquet) with a heading and one line a photo:

    file      relative to the table, or to the folder given as --photos
    identity  a name or number for the person of the largest face; empty where unknown
    group     may be left out. Photos in which somebody might appear twice without a label are in one group.

Two faces are of one person when their photos have the same identity. They are of different people when both have an
identity and these differ, when they are in one photo, or when their photos are of different groups. All else is left
out. A photo whose group begins with `collage` says nothing about its own faces.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from matching.errors import BadTable
from matching.tables import id_column, open_table, rows_of, text_column
from matching.types import Fault

COLLAGE = "collage"
FORMAT = __doc__ or ""  # for whoever asks the command for help

FILE = text_column("file", longest=4096, needed=True)
# A name of any kind that numbers people too: all digits of it count.
IDENTITY = replace(id_column("identity"), needed=True)
GROUP = id_column("group")
COLUMNS = (FILE, IDENTITY, GROUP)

OnFault = Callable[[Fault], None]


class BadLabels(BadTable):
    """The table cannot be used; the message is one sentence that says where, and names no photo and nobody."""


@dataclass(frozen=True)
class Photo:
    line: int
    file: Path
    identity: str
    group: str
    noun: str = "line"  # what the table calls its lines

    @property
    def place(self) -> str:
        return f"{self.noun} {self.line}"


def read(table: Path, root: Path, on_fault: OnFault) -> list[Photo]:
    """Every photo once: a second line with the very same file content is left out. Errors: BadTable."""
    photos = without_copies(parsed(table, root, on_fault), on_fault)
    people = {photo.identity for photo in photos if photo.identity}
    if len(people) < 2:
        raise BadLabels("The table gives fewer than two people an identity: there is nobody to tell apart.")
    if len(people) == sum(photo.identity != "" for photo in photos):
        raise BadLabels("The table has no two photos of one person: nothing says how alike these are.")
    return photos


def parsed(table: Path, root: Path, on_fault: OnFault) -> Iterator[Photo]:
    for batch in open_table(table, COLUMNS).batches():
        for number, (place, row) in zip(batch.numbers, rows_of(batch, COLUMNS), strict=True):
            if isinstance(row, Fault):
                on_fault(row)
                continue
            file = root / row["file"]
            if is_there(file):
                identity, group = ((row[name] or "").strip() for name in ("identity", "group"))
                yield Photo(number, file, identity, group, batch.noun)
            else:
                on_fault(Fault(place, "its file is not there; --photos says in which folder the files are"))


def is_there(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:  # such as a name that is too long
        return False


def without_copies(photos: Iterator[Photo], on_fault: OnFault) -> list[Photo]:
    """A copy is no second photo: it would count the same two people again, and as alike as can be.

    Of one that is given to two people nobody knows whose it is: none of its lines is taken.
    """
    same: dict[bytes, list[Photo]] = {}
    for photo in photos:
        try:
            with photo.file.open("rb") as content:
                same.setdefault(hashlib.file_digest(content, "sha256").digest(), []).append(photo)
        except OSError as error:
            on_fault(Fault(photo.place, f"its file cannot be read ({error.strerror})"))
    kept = []
    for copies in same.values():
        if len({photo.identity for photo in copies}) == 1:
            kept.append(copies[0])
        else:
            for photo in copies:
                on_fault(Fault(photo.place, f"its photo has another identity in {other_than(photo, copies)}"))
    return kept


def other_than(photo: Photo, copies: list[Photo]) -> str:
    return next(other.place for other in copies if other.identity != photo.identity)
