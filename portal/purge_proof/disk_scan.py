"""Looking for bytes in raw files, past everything that would hide them."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import psycopg
from django.db import NotSupportedError, ProgrammingError
from numpy.typing import NDArray

from portal.core import owner

PIECE = 16  # consecutive bytes that count as found
WORD = 4
BLOCK = 16 * 1024**2  # bytes read at a time
OVERLAP = 2 * PIECE

# Every file below the data directory but those of other databases.
FILES = """
WITH RECURSIVE tree (path, is_folder, bytes) AS (
    SELECT name, stat.isdir, stat.size FROM pg_ls_dir('.') AS name, LATERAL pg_stat_file(name, true) AS stat
    UNION ALL
    SELECT tree.path || '/' || name, stat.isdir, stat.size
    FROM tree, LATERAL pg_ls_dir(tree.path, true, false) AS name,
        LATERAL pg_stat_file(tree.path || '/' || name, true) AS stat
    WHERE tree.is_folder
        AND NOT (tree.path = 'base' AND name ~ '^[0-9]+$'
            AND name::oid <> (SELECT oid FROM pg_database WHERE datname = current_database()))
)
SELECT path, bytes FROM tree WHERE NOT is_folder
"""
READ = "SELECT pg_read_binary_file(%s, %s, %s, true)"


class Unreadable(Exception):
    """The server does not let this role read its files, as managed servers do not."""


class Needles:
    """Which of many random byte strings occur anywhere in a stream, or at least a piece of them does.

    Every aligned piece of each needle is looked for at every byte; what a damaged copy leaves of 31 consecutive
    bytes holds one. A table of the pieces' first words, of which few are set, passes over nearly everything.
    """

    def __init__(self, needles: Sequence[bytes]) -> None:
        self._owner: dict[bytes, int] = {}
        for number, needle in enumerate(needles):
            for at in range(0, len(needle) - PIECE + 1, PIECE):
                self._owner[needle[at : at + PIECE]] = number
        words = np.array([int.from_bytes(piece[:WORD], "little") for piece in self._owner], np.uint32)
        self._is_start = np.zeros(1 << 24, bool)
        self._is_start[words & 0xFFFFFF] = True
        self.found: set[int] = set()  # numbers of the needles

    def look_through(self, blocks: Iterable[bytes]) -> None:
        """`blocks` are consecutive; a piece may lie across two of them."""
        rest = b""
        for block in blocks:
            content = rest + block
            self._look_at(content)
            rest = content[-OVERLAP:]

    def _look_at(self, content: bytes) -> None:
        for at in self._candidates(content):
            number = self._owner.get(content[at : at + PIECE])
            if number is not None:
                self.found.add(number)

    def _candidates(self, content: bytes) -> Iterator[int]:
        for shift in range(WORD):
            words: NDArray[np.uint32] = np.frombuffer(content, "<u4", (len(content) - shift) // WORD, shift)
            for word in np.flatnonzero(self._is_start[words & 0xFFFFFF]):
                yield int(word) * WORD + shift


def server_files() -> list[str]:
    """Errors: Unreadable."""
    try:
        with owner.connection().cursor() as cursor:
            cursor.execute("CHECKPOINT")
            cursor.execute(FILES)
            return [path for path, size in cursor.fetchall() if size]
    except (ProgrammingError, NotSupportedError) as error:
        raise Unreadable(type(error).__name__) from error


def server_file(path: str) -> Iterator[bytes]:
    """Through the server, which may run elsewhere or as another user; a file that went meanwhile is empty."""
    session = owner.connection()
    session.ensure_connection()
    raw: psycopg.Connection[tuple[bytes | None]] = session.connection
    with raw.cursor(binary=True) as cursor:
        at = 0
        while block := _read(cursor, path, at):
            yield block
            at += len(block)


def _read(cursor: "psycopg.Cursor[tuple[bytes | None]]", path: str, at: int) -> bytes:
    cursor.execute(READ, [path, at, BLOCK])
    row = cursor.fetchone()
    return row[0] if row and row[0] else b""


def local_files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in folder.rglob("*") if path.is_file())


def local_file(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                yield block
    except FileNotFoundError:  # gone meanwhile
        return
