"""Every stored embedding, block by block, out of PostgreSQL.

`halfvec_send` takes a vector apart number by number, which costs the server more than reading it. Where the owner
may, a migration therefore adds a cast that hands out the bytes as they lie (little-endian on every server that
pgvector is built for); where not, as on managed servers, the slower function serves.
"""

from collections.abc import Generator, Iterable, Iterator
from itertools import chain

import numpy as np
from django.db import connection
from psycopg import Connection, Copy
from psycopg.pq.abc import PGconn

from matching import binary_copy
from matching.index.sweep import BLOCK, Block

SHORT = len(binary_copy.HEADER + binary_copy.TRAILER)  # no row is as short; the last message is, also of an empty table
Message = bytes | bytearray | memoryview

PARTITIONS = """
SELECT relid::regclass::text FROM pg_partition_tree('matching_face') WHERE isleaf ORDER BY 1
"""

HAS_CAST = """
SELECT EXISTS (
    SELECT FROM pg_cast WHERE castsource = 'halfvec'::regtype AND casttarget = 'bytea'::regtype AND castmethod = 'b'
)
"""

# One statement for each partition, so no snapshot is held for long and none keeps deleted rows from being purged.
# A rewrite waits for the statement or the statement for it: a face cannot move past the reader. What is inserted
# behind it was not there when the sweep began.
STORED = "COPY (SELECT id, embedding::bytea FROM ONLY {partition}) TO STDOUT (FORMAT BINARY)"
STORED_BY_FUNCTION = "COPY (SELECT id, halfvec_send(embedding) FROM ONLY {partition}) TO STDOUT (FORMAT BINARY)"


def blocks(dim: int) -> Generator[Block]:
    """May be read in another thread, while this one leaves the connection alone."""
    with connection.cursor() as cursor:
        cursor.execute(PARTITIONS)
        partitions = [row[0] for row in cursor.fetchall()]
        cursor.execute(HAS_CAST)
        has_cast = bool(cursor.fetchone()[0])
    query, layout = (STORED, row_layout(dim, "<")) if has_cast else (STORED_BY_FUNCTION, row_layout(dim, ">"))
    statements = [query.format(partition=partition) for partition in partitions]
    # Django's connections belong to their threads, the session beneath does not.
    return copied(connection.connection, statements, layout)


def copied(session: Connection[object], statements: Iterable[str], layout: np.dtype[np.void]) -> Generator[Block]:
    for statement in statements:
        with session.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            yield from cut(messages(copy, session.pgconn), layout)


def messages(copy: Copy, session: PGconn) -> Iterator[Message]:
    """The server sends one for each row, the header with the first, and last the trailer.

    What has arrived is taken straight from libpq: psycopg's own way costs twice as much for so many small ones.
    """
    while message := copy.read():
        yield message
        while len(message) > SHORT:
            size, message = session.get_copy_data(1)
            if size == 0:  # nothing more has arrived
                break
            yield message


def cut(messages: Iterator[Message], layout: np.dtype[np.void]) -> Iterator[Block]:
    rows: list[Message] = []
    for message in chain([next(messages)[len(binary_copy.HEADER) :]], messages):
        rows.append(message)
        if len(rows) == BLOCK:
            yield block(rows, layout)
            rows = []
    yield block(rows, layout)


def block(messages: Iterable[Message], layout: np.dtype[np.void]) -> Block:
    content = b"".join(messages)
    rows = np.frombuffer(content, layout, count=len(content) // layout.itemsize)
    if (rows["size"] != layout["stored"].itemsize).any():
        raise ValueError("The index holds embeddings of another dimension than the probes have.")
    return Block(rows["id"], rows["stored"]["halves"])


def row_layout(dim: int, order: str) -> np.dtype[np.void]:
    """A halfvec is its dimension, two unused bytes and its numbers."""
    stored = np.dtype([("dim", "i2"), ("unused", "i2"), ("halves", f"{order}i2", (dim,))])
    return np.dtype([("fields", ">i2"), ("id_size", ">i4"), ("id", ">i8"), ("size", ">i4"), ("stored", stored)])
