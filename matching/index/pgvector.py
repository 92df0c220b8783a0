"""The index in PostgreSQL. Every vector query of the project is written here, once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from matching.faces import unit
from matching.index import binary_copy, exact, table_scan
from matching.index.protocol import FaceRows, Hit
from matching.index.sweep import sweep_blocks
from matching.types import Box, Embeddings

# The planner expects a third of the table to match and so would not scan in parallel; half the time
# is saved by telling it that passing rows on costs nothing.
EXACT_SCAN = "SET LOCAL parallel_tuple_cost = 0; SET LOCAL parallel_setup_cost = 0; SET LOCAL jit = off"

# One pass over the table for all probes: a face is proposed by the first probe that it is near to. As a join with the
# probes the same takes half as long again, and would have to be grouped and sorted, embeddings and all.
SEARCH = "SELECT f.id, f.image_id, halfvec_send(f.embedding) FROM matching_face f WHERE {near}"
NEAR = "f.embedding <#> %s::halfvec <= %s"  # <#> is the negative inner product; rows are of unit length

# Asked after the search, of its few hits: hiding is one column of one row, and no embedding is copied for it.
HIDDEN = "SELECT id FROM matching_harvestedimage WHERE hidden_at IS NOT NULL AND id = ANY(%s)"

SEARCHABLE = """
SELECT DISTINCT f.image_id
FROM matching_face f
JOIN matching_harvestedimage i ON i.id = f.image_id
WHERE i.hidden_at IS NULL AND f.image_id = ANY(%s)
"""

ADD = """
COPY matching_face (image_id, box_left, box_top, box_right, box_bottom, score, embedding)
FROM STDIN (FORMAT BINARY)
"""

FACES_OF = "SELECT id, box_left, box_top, box_right, box_bottom FROM matching_face WHERE image_id = %s ORDER BY id"

EMBEDDINGS = "SELECT halfvec_send(embedding) FROM matching_face WHERE id = ANY(%s) ORDER BY id"

IMAGES_OF = "SELECT id, image_id FROM matching_face WHERE id = ANY(%s)"

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

PRESENT = """
SELECT image_id FROM matching_face WHERE image_id = ANY(%s)
UNION
SELECT id FROM matching_harvestedimage WHERE id = ANY(%s)
"""

SIZE = "SELECT count(*) FROM matching_face"

COPY_BLOCK = 2048  # rows built at a time: about two megabytes
MOST_IN_SQL = 24  # probes from which on it is quicker to read every face and multiply here


class PgVector:
    elsewhere = False

    def add(self, faces: FaceRows) -> None:
        binary_copy.copy_in(ADD, copy_blocks(faces))

    def search(self, probes: Embeddings, *, at_least: float) -> list[Hit]:
        return self.sweep([probes], at_least=[at_least])[0]

    def operator_search(self, probes: Embeddings, *, at_least: float, limit: int) -> list[Hit]:
        hits = self.search(probes, at_least=at_least)
        hidden = hidden_among([hit.image_id for hit in hits])
        return [hit for hit in hits if hit.image_id not in hidden][:limit]

    def sweep(self, groups: Sequence[Embeddings], *, at_least: Sequence[float]) -> list[list[Hit]]:
        if sum(map(len, groups)) > MOST_IN_SQL:
            return sweep_blocks(groups, at_least, read=table_scan.blocks, images_of=self.images_of)
        kept = [exact.as_stored(group) for group in groups]
        proposed = scan([(probe, least) for group, least in zip(kept, at_least, strict=True) for probe in group])
        if not proposed:
            return [[] for _ in groups]
        face_ids, image_ids, sent = zip(*proposed, strict=True)
        rows = rows_of(sent)
        return [
            exact.ranked(face_ids, image_ids, rows, group, at_least=least)
            for group, least in zip(kept, at_least, strict=True)
        ]

    def images_of(self, face_ids: Sequence[int]) -> dict[int, UUID]:
        with connection.cursor() as cursor:
            cursor.execute(IMAGES_OF, [list(face_ids)])
            return dict(cursor.fetchall())

    def searchable(self, image_ids: Sequence[UUID]) -> frozenset[UUID]:
        with connection.cursor() as cursor:
            cursor.execute(SEARCHABLE, [list(image_ids)])
            return frozenset(row[0] for row in cursor.fetchall())

    def faces_of(self, image_id: UUID) -> dict[int, Box]:
        with connection.cursor() as cursor:
            cursor.execute(FACES_OF, [image_id])
            return {face_id: Box(*sides) for face_id, *sides in cursor.fetchall()}

    def embeddings(self, face_ids: Sequence[int]) -> Embeddings:
        with connection.cursor() as cursor:
            cursor.execute(EMBEDDINGS, [list(face_ids)])
            rows = [row for (row,) in cursor.fetchall()]
        return unit(rows_of(rows)) if rows else np.zeros((0, 0), np.float32)

    def remove(self, image_ids: Sequence[UUID]) -> None:
        # Inside another transaction's savepoint the rows would carry a later id than the one remembered.
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            cursor.execute(REMOVE, [list(image_ids), list(image_ids)])

    def present(self, image_ids: Sequence[UUID]) -> frozenset[UUID]:
        with connection.cursor() as cursor:
            cursor.execute(PRESENT, [list(image_ids), list(image_ids)])
            return frozenset(row[0] for row in cursor.fetchall())

    def size(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute(SIZE)
            return int(cursor.fetchone()[0])

    def rewrite(self, place: str) -> bool:
        return False  # its places are tables, which a purge rewrites itself


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


Asked = Sequence[tuple[Embeddings, float]]  # a probe, (dim,), and its threshold


def scan(probes: Asked) -> list[tuple[int, UUID, bytes]]:
    """Every face that may be similar enough to one of the probes."""
    if not probes:
        return []
    with exact_scan() as cursor:
        cursor.execute(*query(probes))
        return list(cursor.fetchall())


def query(probes: Asked) -> tuple[str, list[str | float]]:
    near = " OR ".join([NEAR] * len(probes))
    floors = [(literal(probe), exact.rounding_slack(len(probe)) - at_least) for probe, at_least in probes]
    return SEARCH.format(near=near), [part for floor in floors for part in floor]


def hidden_among(image_ids: Sequence[UUID]) -> frozenset[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(HIDDEN, [list(image_ids)])
        return frozenset(image_id for (image_id,) in cursor.fetchall())


def rows_of(sent: Sequence[bytes]) -> Embeddings:
    """Vectors as `halfvec_send` writes them: the dimension, two unused bytes and the numbers."""
    rows: Embeddings = np.stack([np.frombuffer(row, ">f2", offset=4) for row in sent]).astype(np.float32)
    return rows


@contextmanager
def exact_scan() -> Iterator[Any]:
    with transaction.atomic(), connection.cursor() as cursor:
        for setting in EXACT_SCAN.split("; "):
            cursor.execute(setting)
        yield cursor


def literal(row: Embeddings) -> str:
    return "[" + ",".join(f"{value:.9g}" for value in row) + "]"
