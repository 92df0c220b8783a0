"""Every stored embedding, block by block, out of PostgreSQL.

`halfvec_send` takes a vector apart number by number, which costs the server more than reading it. Where the owner
may, a migration therefore adds a cast that hands out the bytes as they lie (little-endian on every server that
pgvector is built for); where not, as on managed servers, the slower function serves.
"""

from collections.abc import Generator, Iterable

import numpy as np
from django.db import connection
from psycopg import Connection

from matching.index import binary_copy
from matching.index.sweep import EmbeddingBlock

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
# behind it was not there when the sweep began. Sixty-four pages go into one message, because a message for each face
# costs as much as the rest of its way; ids and embeddings apart, because joining the two costs as much again.
STORED = """
COPY (
    SELECT bunch.ids, bunch.faces
    FROM generate_series(
        0, pg_relation_size('{partition}') / current_setting('block_size')::int, 64
    ) AS page,
    LATERAL (
        SELECT string_agg(int8send(id), '') AS ids, string_agg(embedding::bytea, '') AS faces
        FROM ONLY {partition}
        WHERE ctid >= format('(%s,0)', page)::tid AND ctid < format('(%s,0)', page + 64)::tid
    ) AS bunch
    WHERE bunch.faces IS NOT NULL
) TO STDOUT (FORMAT BINARY)
"""
WITHOUT_CAST = "halfvec_send(embedding)"  # in place of embedding::bytea

ID = 8  # bytes


def blocks(dim: int) -> Generator[EmbeddingBlock]:
    """All embeddings, block by block. Another thread may read them while this one leaves the connection alone."""
    with connection.cursor() as cursor:
        cursor.execute(PARTITIONS)
        partitions = [row[0] for row in cursor.fetchall()]
        cursor.execute(HAS_CAST)
        has_cast = bool(cursor.fetchone()[0])
    query = STORED if has_cast else STORED.replace("embedding::bytea", WITHOUT_CAST)
    statements = [query.format(partition=partition) for partition in partitions]
    # Django's connections belong to their threads, the session beneath does not.
    return copied(connection.connection, statements, row_layout(dim, "<" if has_cast else ">"))


def copied(
    session: Connection[object], statements: Iterable[str], layout: np.dtype[np.void]
) -> Generator[EmbeddingBlock]:
    for statement in statements:
        with session.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            start = len(binary_copy.HEADER)  # which comes with the first message
            while message := copy.read():
                if len(message) > start + binary_copy.FIELDS.size:  # no trailer, which has no fields
                    yield block(memoryview(message)[start:], layout)
                start = 0


def block(row: memoryview, layout: np.dtype[np.void]) -> EmbeddingBlock:
    """One message, from its two fields. Errors: ValueError, if the embeddings have another dimension."""
    ids, faces = binary_copy.fields(row)
    dim = layout["halves"].shape[0]
    fits = len(faces) == len(ids) // ID * layout.itemsize
    held = np.frombuffer(faces if fits else b"", layout)
    if not fits or (held["dim"] != dim).any():
        raise ValueError("The index holds embeddings of another dimension than the probes have.")
    return EmbeddingBlock(np.frombuffer(ids, ">i8").astype(np.int64), held["halves"].astype(np.float16))


def row_layout(dim: int, order: str) -> np.dtype[np.void]:
    """A halfvec is its dimension, two unused bytes and its numbers, in the server's order or the network's."""
    number = f"{order}i2"
    return np.dtype([("dim", number), ("unused", number), ("halves", f"{order}f2", (dim,))])
