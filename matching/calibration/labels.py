"""The table that says who is in which photo, for measuring how well a pack tells people apart.

A table (CSV or Parquet) with a heading and one line a photo:

    file      relative to the table, or to the folder given as --photos
    identity  a name or number for the person of the largest face; empty where unknown
    group     may be left out. Photos in which somebody might appear twice without a label are in one group.
    set       may be left out. Where photos come from several sets that name people in their own ways, the set.
    family    may be left out. People of one family are relatives and are compared with other families alone.

Two faces are of one person when their photos have the same identity. They are of different people when both have an
identity and these differ, when they are in one photo, or when their photos are of different groups. All else is left
out, and so are two photos of different sets, which may show one person under two names, and of one family. A photo
whose group begins with `collage` says nothing about its own faces.

--kin names a table with the columns identity_1 and identity_2: pairs of relatives, who are not counted as impostors
either, and whose similarity is reported apart. --exclude names one with the columns sha256 and reason: photos that show
somebody else than their label says, by the digest of the file, so that the list names nobody.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from matching.errors import BadTable
from matching.tables import Column, id_column, open_table, rows_of, text_column
from matching.types import Fault

COLLAGE = "collage"
FORMAT = __doc__ or ""  # for whoever asks the command for help

FILE = text_column("file", longest=4096, needed=True)
# A name of any kind that numbers people too: all digits of it count.
IDENTITY = replace(id_column("identity"), needed=True)
GROUP = id_column("group")
SET = id_column("set")
FAMILY = id_column("family")
COLUMNS = (FILE, IDENTITY, GROUP, SET, FAMILY)
KIN = (replace(id_column("identity_1"), needed=True), replace(id_column("identity_2"), needed=True))
EXCLUDED = (text_column("sha256", longest=64, needed=True), text_column("reason", longest=1000))

OnFault = Callable[[Fault], None]


class BadLabels(BadTable):
    """The table cannot be used; the message is one sentence that says where, and names no photo and nobody."""


@dataclass(frozen=True)
class Photo:
    line: int
    file: Path
    identity: str
    group: str
    set: str = ""
    family: str = ""
    noun: str = "line"  # what the table calls its lines

    @property
    def place(self) -> str:
        return f"{self.noun} {self.line}"


def read(table: Path, root: Path, on_fault: OnFault, *, excluded: Collection[str] = ()) -> list[Photo]:
    """Every photo once: a second line with the very same file content is left out. Errors: BadTable.

    `excluded` are SHA-256 digests, in hexadecimal, of photos whose label is wrong.
    """
    photos = without_copies(parsed(table, root, on_fault), on_fault, excluded)
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
                identity, group, of_set, family = (
                    (row[name] or "").strip() for name in ("identity", "group", "set", "family")
                )
                yield Photo(number, file, identity, group, of_set, family, batch.noun)
            else:
                on_fault(Fault(place, "its file is not there; --photos says in which folder the files are"))


def kin(table: Path, on_fault: OnFault) -> frozenset[frozenset[str]]:
    """Pairs of identities that are related. Errors: BadTable."""
    rows = whole_rows(table, KIN, on_fault)
    return frozenset(frozenset((str(row["identity_1"]), str(row["identity_2"]))) for row in rows)


def excluded(table: Path, on_fault: OnFault) -> frozenset[str]:
    """SHA-256 digests, in hexadecimal, of photos whose label is wrong. Errors: BadTable."""
    return frozenset(str(row["sha256"]).lower() for row in whole_rows(table, EXCLUDED, on_fault))


def whole_rows(table: Path, columns: tuple[Column, ...], on_fault: OnFault) -> Iterator[dict[str, Any]]:
    for batch in open_table(table, columns).batches():
        for _place, row in rows_of(batch, columns):
            if isinstance(row, Fault):
                on_fault(row)
            else:
                yield row


def is_there(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:  # such as a name that is too long
        return False


def without_copies(photos: Iterator[Photo], on_fault: OnFault, excluded: Collection[str] = ()) -> list[Photo]:
    """A copy is no second photo: it would count the same two people again, and as alike as can be.

    Of one that is given to two people nobody knows whose it is: none of its lines is taken.
    """
    same: dict[str, list[Photo]] = {}
    for photo in photos:
        try:
            with photo.file.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
        except OSError as error:
            on_fault(Fault(photo.place, f"its file cannot be read ({error.strerror})"))
            continue
        if digest not in excluded:
            same.setdefault(digest, []).append(photo)
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
