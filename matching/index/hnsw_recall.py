"""Measures how much an approximate index (HNSW) would miss. No search of the portal uses such an index.

While it exists, a purge has to rebuild it with each partition it rewrites, which takes seconds instead of a fraction of
one. So it is built in order to be measured, and kept only if the operator asks for that.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection, transaction

from matching.index import exact, pgvector, table_scan
from matching.index.protocol import Hit
from matching.types import Embeddings

# The column has no dimension of its own, which the index needs.
BUILD = """
CREATE INDEX IF NOT EXISTS {name} ON {partition} USING hnsw ((embedding::halfvec({dim})) halfvec_ip_ops)
"""
DROP = "DROP INDEX IF EXISTS {name}"
NEAREST = """
SELECT id FROM matching_face ORDER BY embedding::halfvec({dim}) <#> %s::halfvec({dim}) LIMIT %s
"""
SETTINGS = "SET LOCAL hnsw.ef_search = {ef}; SET LOCAL enable_seqscan = off"
SAMPLE = "SELECT halfvec_send(embedding) FROM matching_face ORDER BY random() LIMIT %s"
BYTES = "SELECT sum(pg_relation_size(name::regclass)) FROM unnest(%s::text[]) AS name"


@dataclass(frozen=True)
class Recall:
    ef_search: int
    found: int
    expected: int  # faces that an exact search finds
    milliseconds: float  # a probe

    @property
    def share(self) -> float:
        return self.found / self.expected if self.expected else 1.0


@dataclass(frozen=True)
class HnswBuild:
    names: tuple[str, ...]
    seconds: float
    bytes: int


def build(dim: int) -> HnswBuild:
    begun = time.monotonic()
    names = {partition: f"{partition}_near" for partition in partitions()}
    with connection.cursor() as cursor:
        for partition, name in names.items():
            cursor.execute(BUILD.format(name=name, partition=partition, dim=dim))
        cursor.execute(BYTES, [list(names.values())])
        size = int(cursor.fetchone()[0])
    return HnswBuild(tuple(names.values()), time.monotonic() - begun, size)


def drop() -> None:
    with connection.cursor() as cursor:
        for partition in partitions():
            cursor.execute(DROP.format(name=f"{partition}_near"))


def partitions() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(table_scan.PARTITIONS)
        return [row[0] for row in cursor.fetchall()]


def probes_near(count: int, similarity: float) -> Embeddings:
    """(n, dim): random probes at this cosine from faces of the index, so that there is something to find."""
    with connection.cursor() as cursor:
        cursor.execute(SAMPLE, [count])
        sent = [row for (row,) in cursor.fetchall()]
    faces = pgvector.rows_of(sent)
    across = np.random.default_rng().standard_normal(faces.shape, dtype=np.float32)
    across -= (across * faces).sum(axis=1, keepdims=True) * faces
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    turned: Embeddings = similarity * faces + np.float32(np.sqrt(1 - similarity**2)) * across
    return exact.as_stored(turned)


def measure(probes: Embeddings, expected: Sequence[Sequence[Hit]], ef_search: int) -> Recall:
    """`expected` is what an exact search finds for each probe; HNSW is asked for ef_search faces a probe."""
    begun = time.monotonic()
    with searching(ef_search) as cursor:
        found = [nearest(cursor, probe, ef_search) for probe in probes]
    seconds = time.monotonic() - begun
    hits = sum(hit.face_id in ids for ids, expected in zip(found, expected, strict=True) for hit in expected)
    return Recall(ef_search, hits, sum(map(len, expected)), 1000 * seconds / max(1, len(probes)))


def nearest(cursor: Any, probe: Embeddings, count: int) -> frozenset[int]:
    cursor.execute(NEAREST.format(dim=len(probe)), [pgvector.literal(probe), count])
    return frozenset(row[0] for row in cursor.fetchall())


@contextmanager
def searching(ef_search: int) -> Iterator[Any]:
    with transaction.atomic(), connection.cursor() as cursor:
        for setting in SETTINGS.format(ef=ef_search).split("; "):
            cursor.execute(setting)
        yield cursor
