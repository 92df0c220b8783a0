"""The table that says who is in which photo, for measuring how well a pack tells people apart.

A CSV file with a heading and one line a photo:

    file      relative to the table, or to the folder given as --photos
    identity  a name or number for the person of the largest face; empty where unknown
    group     may be left out. Photos in which somebody might appear twice without a label are in one group.
    set       may be left out. Where photos come from several sets that name people in their own ways, the set.
    family    may be left out. People of one family are relatives, not strangers.

Two faces are of one person when their photos have the same identity. They are of different people when both have an
identity and these differ, when they are in one photo, or when their photos are of different groups. All else is left
out, and so are two photos of different sets, which may show one person under two names, and of one family. A photo
whose group begins with `collage` says nothing about its own faces.

--kin names a CSV file with the columns identity_1 and identity_2: pairs of relatives, who are no strangers either, and
whose likeness is reported apart. --exclude names one with the columns sha256 and reason: photos that show somebody
else than their label says, by the digest of the file, so that the list names nobody.
"""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COLLAGE = "collage"
Row = dict[str, str | None]
FORMAT = __doc__ or ""  # for whoever asks the command for help


class BadLabels(Exception):
    """The table cannot be used; the message is one sentence that says where, and names no photo and nobody."""


@dataclass(frozen=True)
class Photo:
    line: int
    file: Path
    identity: str
    group: str
    set: str = ""
    family: str = ""


def read(table: Path, root: Path, *, excluded: frozenset[str] = frozenset()) -> list[Photo]:
    """Every photo once: a second line with the very same file content is left out. Errors: BadLabels."""
    photos = list(without_copies(parsed(table, root), excluded))
    people = {photo.identity for photo in photos if photo.identity}
    if len(people) < 2:
        raise BadLabels("The table gives fewer than two people an identity: there is nobody to tell apart.")
    if len(people) == sum(photo.identity != "" for photo in photos):
        raise BadLabels("The table has no two photos of one person: nothing says how alike these are.")
    return photos


def parsed(table: Path, root: Path) -> Iterator[Photo]:
    for line, row in lines(table, "table of labels", ("file", "identity"), "(and group, set and family, if any)"):
        yield photo_of(row, line, root)


def kin(table: Path) -> frozenset[frozenset[str]]:
    """Pairs of identities. Errors: BadLabels."""
    rows = lines(table, "table of relatives", ("identity_1", "identity_2"))
    return frozenset(frozenset((str(row["identity_1"]), str(row["identity_2"]))) for _line, row in rows)


def excluded(table: Path) -> frozenset[str]:
    """SHA-256 of each photo. Errors: BadLabels."""
    return frozenset(str(row["sha256"]) for _line, row in lines(table, "list of exclusions", ("sha256", "reason")))


def lines(table: Path, what: str, columns: tuple[str, str], others: str = "") -> Iterator[tuple[int, Row]]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if not set(columns) <= set(rows.fieldnames or ()):
                wanted = f"{' and '.join(columns)} {others}".strip()
                raise BadLabels(f"The {what} needs a heading with the columns {wanted}.")
            for row in rows:
                yield rows.line_num, row
    except OSError:
        raise BadLabels(f"There is no {what} at {table}.") from None
    except (UnicodeDecodeError, csv.Error):
        raise BadLabels(f"The {what} is not a CSV file in UTF-8.") from None


def photo_of(row: Row, line: int, root: Path) -> Photo:
    name, identity = (row["file"] or "").strip(), row["identity"]
    if not name or identity is None:
        raise BadLabels(f"Line {line} of the table has no file, or fewer columns than the heading.")
    file = root / name
    if not file.is_file():
        raise BadLabels(f"Line {line} of the table names a file that is not there; --photos says where they are.")
    others = ((row.get(column) or "").strip() for column in ("group", "set", "family"))
    return Photo(line, file, identity.strip(), *others)


def without_copies(photos: Iterator[Photo], excluded: frozenset[str]) -> Iterator[Photo]:
    """A copy is no second photo: it would count the same two people again, and as alike as can be."""
    seen: dict[str, Photo] = {}
    for photo in photos:
        digest = hashlib.sha256(photo.file.read_bytes()).hexdigest()
        if digest in excluded:
            continue
        first = seen.setdefault(digest, photo)
        if first is photo:
            yield photo
        elif first.identity != photo.identity:
            raise BadLabels(f"Lines {first.line} and {photo.line} of the table give one photo two identities.")
