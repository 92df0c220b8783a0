"""The table that says who is in which photo, for measuring how well a pack tells people apart.

A CSV file with a heading and one line a photo:

    file      relative to the table, or to the folder given as --photos
    identity  a name or number for the person of the largest face; empty where unknown
    group     may be left out. Photos in which somebody might appear twice without a label are in one group.

Two faces are of one person when their photos have the same identity. They are of different people when both have an
identity and these differ, when they are in one photo, or when their photos are of different groups. All else is left
out. A photo whose group begins with `collage` says nothing about its own faces.
"""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COLLAGE = "collage"
FORMAT = __doc__ or ""  # for whoever asks the command for help


class BadLabels(Exception):
    """The table cannot be used; the message is one sentence that says where, and names no photo and nobody."""


@dataclass(frozen=True)
class Photo:
    line: int
    file: Path
    identity: str
    group: str


def read(table: Path, root: Path) -> list[Photo]:
    """Every photo once: a second line with the very same file content is left out. Errors: BadLabels."""
    photos = list(without_copies(parsed(table, root)))
    people = {photo.identity for photo in photos if photo.identity}
    if len(people) < 2:
        raise BadLabels("The table gives fewer than two people an identity: there is nobody to tell apart.")
    if len(people) == sum(photo.identity != "" for photo in photos):
        raise BadLabels("The table has no two photos of one person: nothing says how alike these are.")
    return photos


def parsed(table: Path, root: Path) -> Iterator[Photo]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if not {"file", "identity"} <= set(rows.fieldnames or ()):
                raise BadLabels("The table needs a heading with the columns file and identity (and group, if any).")
            for row in rows:
                yield photo_of(row, rows.line_num, root)
    except OSError:
        raise BadLabels(f"There is no table of labels at {table}.") from None
    except (UnicodeDecodeError, csv.Error):
        raise BadLabels("The table is not a CSV file in UTF-8.") from None


def photo_of(row: dict[str, str | None], line: int, root: Path) -> Photo:
    name, identity = (row["file"] or "").strip(), row["identity"]
    if not name or identity is None:
        raise BadLabels(f"Line {line} of the table has no file, or fewer columns than the heading.")
    file = root / name
    if not file.is_file():
        raise BadLabels(f"Line {line} of the table names a file that is not there; --photos says where they are.")
    return Photo(line, file, identity.strip(), (row.get("group") or "").strip())


def without_copies(photos: Iterator[Photo]) -> Iterator[Photo]:
    """A copy is no second photo: it would count the same two people again, and as alike as can be."""
    seen: dict[bytes, Photo] = {}
    for photo in photos:
        digest = hashlib.sha256(photo.file.read_bytes()).digest()
        first = seen.setdefault(digest, photo)
        if first is photo:
            yield photo
        elif first.identity != photo.identity:
            raise BadLabels(f"Lines {first.line} and {photo.line} of the table give one photo two identities.")
