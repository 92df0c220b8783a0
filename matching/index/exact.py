"""Which faces are at least so similar: decided here for every index, to the last bit.

Faces and probes are compared as the half-precision numbers that are stored. A product of two of them is a multiple
of 2^-48 and, rows being of unit length, no sum of a row's products reaches 2: a double holds each of these sums
without rounding, in whatever order they are taken. So an index may propose faces by quicker arithmetic, with
`rounding_slack`. What is found, and in which order, is decided here, and is the same from every index and by brute
force.
"""

from collections.abc import Sequence
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from matching.index.protocol import Hit
from matching.types import Embeddings

Similarities = NDArray[np.float64]  # (faces, probes)


def as_stored(rows: Embeddings) -> Embeddings:
    """The rows as the index stores them: rounded to half precision."""
    kept: Embeddings = rows.astype(np.float16).astype(np.float32)
    return kept


def rounding_slack(dim: int) -> float:
    """The largest rounding error of a similarity in single precision, in any order of summation.

    The usual bound, dim · 2^-24 · Σ|aᵢbᵢ| (Higham, Accuracy and Stability, 3.1); the sum is at most the product of
    two lengths, which rounding to halves leaves below 1.01.
    """
    return 1.01 * dim * 2.0**-24


def similarities(rows: Embeddings, probes: Embeddings) -> Similarities:
    products: Similarities = rows.astype(np.float64) @ probes.astype(np.float64).T
    return products


def ranked(
    face_ids: Sequence[int], image_ids: Sequence[UUID], rows: Embeddings, probes: Embeddings, *, at_least: float
) -> list[Hit]:
    """Those of the proposed faces that are similar enough, each by its best probe, most similar first."""
    if not len(face_ids) or not len(probes):
        return []
    best = similarities(rows, probes).max(axis=1)
    hits = [Hit(*hit) for hit in zip(face_ids, image_ids, best.tolist(), strict=True) if hit[2] >= at_least]
    return in_order(hits)


def in_order(hits: list[Hit]) -> list[Hit]:
    return sorted(hits, key=lambda hit: (-hit.similarity, hit.face_id))
