"""The index in PostgreSQL. Every vector query of the project is written here, once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from matching import binary_copy
from matching.index.base import FaceRows, Hit
from matching.types import Embeddings
from matching.vectors import unit

# The planner expects a third of the table to match and so would not scan in parallel; half the time
# is saved by telling it that passing rows on costs nothing.
EXACT_SCAN = "SET LOCAL parallel_tuple_cost = 0; SET LOCAL parallel_setup_cost = 0; SET LOCAL jit = off"

# One pass over the table for all probes. <#> is the negative inner product; rows are of unit length.
# OFFSET 0 makes the planner filter before it groups: it would sort every face, embedding and all, into
# temporary files, which is slow and leaves embeddings on the disk.
SEARCH = """
SELECT hit.id, hit.image_id, max(hit.similarity) AS similarity
FROM (
    SELECT f.id, f.image_id, -(f.embedding <#> p.probe) AS similarity
    FROM matching_face f
    JOIN unnest(%s::halfvec[]) AS p (probe) ON f.embedding <#> p.probe <= %s
    OFFSET 0
) AS hit
GROUP BY hit.id, hit.image_id
ORDER BY similarity DESC, hit.id
"""

# The image is joined after the vector filter, so hiding is one column of one row and no embedding is copied.
SEARCH_SHOWN = """
SELECT hit.id, hit.image_id, max(hit.similarity) AS similarity
FROM (
    SELECT f.id, f.image_id, -(f.embedding <#> p.probe) AS similarity
    FROM matching_face f
    JOIN unnest(%s::halfvec[]) AS p (probe) ON f.embedding <#> p.probe <= %s
    OFFSET 0
) AS hit
JOIN matching_harvestedimage i ON i.id = hit.image_id
WHERE i.hidden_at IS NULL
GROUP BY hit.id, hit.image_id
ORDER BY similarity DESC, hit.id
LIMIT %s
"""

SHOWN = """
SELECT DISTINCT f.image_id
FROM matching_face f
JOIN matching_harvestedimage i ON i.id = f.image_id
WHERE i.hidden_at IS NULL AND f.image_id = ANY(%s)
"""

ADD = """
COPY matching_face (image_id, box_left, box_top, box_right, box_bottom, score, embedding)
FROM STDIN (FORMAT BINARY)
"""

EMBEDDINGS = "SELECT embedding::text FROM matching_face WHERE id = ANY(%s) ORDER BY id"

# The tables touched are remembered with the transaction that touched them: only they need rewriting,
# and only once no snapshot as old as that transaction is left.
REMOVE = """
WITH face AS (
    DELETE FROM matching_face WHERE image_id = ANY(%s) RETURNING image_id, tableoid::regclass::text AS relation
), image AS (
    DELETE FROM matching_harvestedimage WHERE id = ANY(%s)
    RETURNING id AS image_id, tableoid::regclass::text AS relation
)
INSERT INTO matching_residue (image_id, relation, deleted_in)
SELECT image_id, relation, pg_current_xact_id()::text::bigint FROM face
UNION
SELECT image_id, relation, pg_current_xact_id()::text::bigint FROM image
"""

HOLDS = """
SELECT image_id FROM matching_face WHERE image_id = ANY(%s)
UNION
SELECT id FROM matching_harvestedimage WHERE id = ANY(%s)
"""

SIZE = "SELECT count(*) FROM matching_face"

COPY_BLOCK = 2048  # rows built at a time: about two megabytes


class PgVector:
    def add(self, faces: FaceRows) -> None:
        binary_copy.send(ADD, copy_blocks(faces))

    def search(self, probes: Embeddings, *, at_least: float) -> list[Hit]:
        with exact_scan() as cursor:
            cursor.execute(SEARCH, [literals(probes), -at_least])
            return [Hit(*row) for row in cursor.fetchall()]

    def search_shown(self, probes: Embeddings, *, at_least: float, limit: int) -> list[Hit]:
        with exact_scan() as cursor:
            cursor.execute(SEARCH_SHOWN, [literals(probes), -at_least, limit])
            return [Hit(*row) for row in cursor.fetchall()]

    def shown(self, image_ids: Sequence[UUID]) -> frozenset[UUID]:
        with connection.cursor() as cursor:
            cursor.execute(SHOWN, [list(image_ids)])
            return frozenset(row[0] for row in cursor.fetchall())

    def embeddings(self, face_ids: Sequence[int]) -> Embeddings:
        with connection.cursor() as cursor:
            cursor.execute(EMBEDDINGS, [list(face_ids)])
            texts = [row[0] for row in cursor.fetchall()]
        rows = [np.fromstring(text.strip("[]"), dtype=np.float32, sep=",") for text in texts]
        return unit(np.stack(rows)) if rows else np.zeros((0, 0), np.float32)

    def remove(self, image_ids: Sequence[UUID]) -> None:
        # Inside another transaction's savepoint the rows would carry a later id than the one remembered.
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            cursor.execute(REMOVE, [list(image_ids), list(image_ids)])

    def holds(self, image_ids: Sequence[UUID]) -> frozenset[UUID]:
        with connection.cursor() as cursor:
            cursor.execute(HOLDS, [list(image_ids), list(image_ids)])
            return frozenset(row[0] for row in cursor.fetchall())

    def size(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute(SIZE)
            return int(cursor.fetchone()[0])


def copy_blocks(faces: FaceRows) -> Iterator[bytes]:
    """The rows of `ADD`, which are all of one size, filled in by column."""
    ids = np.frombuffer(b"".join(image_id.bytes for image_id in faces.image_ids), "V16")
    for start in range(0, len(faces), COPY_BLOCK):
        part = slice(start, start + COPY_BLOCK)
        yield copy_block(ids[part], faces.boxes[part], faces.scores[part], faces.rows[part])


def copy_block(ids: NDArray[np.void], boxes: NDArray[np.int32], scores: NDArray[np.float32], rows: Embeddings) -> bytes:
    block = np.zeros(len(rows), copy_layout(rows.shape[1]))
    block["fields"], block["id_size"], block["image_id"] = 7, 16, ids
    block["box"]["size"], block["box"]["side"] = 4, boxes
    block["score_size"], block["score"] = 8, scores
    block["row_size"], block["dim"], block["row"] = 4 + 2 * rows.shape[1], rows.shape[1], rows
    return block.tobytes()


def copy_layout(dim: int) -> np.dtype[np.void]:
    """One row of binary COPY; a halfvec is its dimension, two unused bytes and its numbers (halfvec_recv)."""
    side = np.dtype([("size", ">i4"), ("side", ">i4")])
    return np.dtype(
        [
            ("fields", ">i2"),
            *(("id_size", ">i4"), ("image_id", "V16")),
            ("box", side, (4,)),
            *(("score_size", ">i4"), ("score", ">f8")),
            *(("row_size", ">i4"), ("dim", ">i2"), ("unused", ">i2"), ("row", ">f2", (dim,))),
        ]
    )


@contextmanager
def exact_scan() -> Iterator[Any]:
    with transaction.atomic(), connection.cursor() as cursor:
        for setting in EXACT_SCAN.split("; "):
            cursor.execute(setting)
        yield cursor


def literal(row: Embeddings) -> str:
    return "[" + ",".join(f"{value:.9g}" for value in row) + "]"


def literals(rows: Embeddings) -> list[str]:
    return [literal(row) for row in rows]
