"""PostgreSQL's binary COPY format, built a block at a time: no value passes through text.

https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format". All numbers are big-endian; each
field is preceded by its length in bytes.
"""

import struct
from collections.abc import Iterable, Iterator
from datetime import date

from django.db import connection

HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
TRAILER = struct.pack(">h", -1)
EPOCH = date(2000, 1, 1).toordinal()  # PostgreSQL counts its days from here

LARGE = 1 << 18  # bytes

FIELDS = struct.Struct(">h")
LENGTH = struct.Struct(">i")


def copy_in(statement: str, blocks: Iterable[bytes]) -> None:
    """Run `statement`, a COPY … FROM STDIN (FORMAT BINARY); each block holds whole rows."""
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        copy.write(HEADER)
        for block in in_large_pieces(blocks):
            copy.write(block)
        copy.write(TRAILER)


def in_large_pieces(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in fewer pieces, because each piece waits for the socket."""
    held: list[bytes] = []
    size = 0
    for block in blocks:
        held.append(block)
        size += len(block)
        if size >= LARGE:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


def days_since_2000(day: date) -> int:
    """A date as PostgreSQL stores it."""
    return day.toordinal() - EPOCH


def fields(row: memoryview) -> list[memoryview]:
    """The fields of one row that was read; none of them is null."""
    (count,) = FIELDS.unpack_from(row)
    found, at = [], FIELDS.size
    for _ in range(count):
        (length,) = LENGTH.unpack_from(row, at)
        at += LENGTH.size
        found.append(row[at : at + length])
        at += length
    return found
