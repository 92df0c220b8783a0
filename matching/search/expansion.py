"""Expansion: a second search with confirmed faces as further probes, without drifting away from the subject.

A face that only a further probe finds is never certain. It is accepted if
- it is as similar to the subject's own probes as 99 % of genuine pairs are (`threshold_at_target_fnmr`). So expansion
  wins back what the cap on expected false positives costs in a large index, and no more;
- it is not more similar to somebody known to be another person: whoever else is in a confirmed photo, and faces that
  staff decided are not the subject's.
The worst case on real photos was that everything found counted as confirmed, at a threshold where own probes alone
brought about 0.6 false positives a case. Further probes then brought 101 (dlib) and 58 (buffalo_sc) without the rule,
and 3.4 and 0.5 with it (`python -m bench.accuracy`, docs/decisions/0006).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matching.index import Hit
from matching.index import store as index
from matching.types import Embeddings, ExpansionBasis, Match

# Each probe costs comparisons, so it makes the thresholds stricter; more photos of one person soon add nothing new.
MAX_FURTHER_PROBES = 16


def further_probes(own: Embeddings, basis: ExpansionBasis, certain: Sequence[Match]) -> Embeddings:
    """(n, dim): the mirrored probes and the most different confirmed faces; empty where there are neither."""
    confirmed = stacked(basis.confirmed, index().embeddings([match.face_id for match in certain]))
    return stacked(basis.mirrored, most_different(confirmed, beside=own))


def most_different(rows: Embeddings, *, beside: Embeddings) -> Embeddings:
    """At most MAX_FURTHER_PROBES rows; each one chosen is the least similar to all probes so far."""
    if len(rows) <= MAX_FURTHER_PROBES:
        return rows
    chosen: list[int] = []
    nearest = (rows @ beside.T).max(axis=1)
    while len(chosen) < MAX_FURTHER_PROBES:
        chosen.append(int(nearest.argmin()))
        nearest = np.maximum(nearest, rows @ rows[chosen[-1]])
    return rows[chosen]


def accepted(
    candidates: Sequence[Hit], own: Embeddings, basis: ExpansionBasis, *, certain: Sequence[Match], genuine: float
) -> list[tuple[Hit, float]]:
    """The candidates that may be the subject's, each with its similarity to the subject's own (and mirrored) probes."""
    rows = embeddings_of([hit.face_id for hit in candidates])
    candidates = [hit for hit in candidates if hit.face_id in rows]
    if not candidates:
        return []
    found = np.stack([rows[hit.face_id] for hit in candidates])
    to_own = best_similarity(found, stacked(own, basis.mirrored))
    to_subject = np.maximum(to_own, np.array([hit.similarity for hit in candidates], np.float32))
    bystanders = without_subject(others_in_confirmed_images(basis, certain), own, genuine=genuine)
    to_others = best_similarity(found, stacked(bystanders, index().embeddings(basis.rejected_faces)))
    may_be = may_be_subject(to_own, to_subject, to_others, genuine=genuine)
    return [(hit, float(similarity)) for hit, similarity, yes in zip(candidates, to_own, may_be, strict=True) if yes]


def may_be_subject(
    to_own: Embeddings, to_subject: Embeddings, to_others: Embeddings, *, genuine: float
) -> NDArray[np.bool_]:
    """(n,) The rule itself, from each face's best similarity to own probes, to all probes, and to other people."""
    may_be: NDArray[np.bool_] = (to_own >= genuine) & (to_subject >= to_others)
    return may_be


def others_in_confirmed_images(basis: ExpansionBasis, certain: Sequence[Match]) -> Embeddings:
    """(n, dim): the other faces in the images that were confirmed or are certain."""
    subject = {match.face_id for match in certain} | set(basis.confirmed_faces)
    images = {match.image_id for match in certain} | set(basis.confirmed_images)
    faces = [face for image in sorted(images) for face in index().faces_of(image) if face not in subject]
    return index().embeddings(faces)


def without_subject(faces: Embeddings, own: Embeddings, *, genuine: float) -> Embeddings:
    """A face there that is as similar as the subject is the subject too: in a mirror, or twice in a collage."""
    return faces[best_similarity(faces, own) < genuine] if len(faces) else faces


def embeddings_of(face_ids: Sequence[int]) -> dict[int, Embeddings]:
    """By face id, each (dim,); faces that were erased meanwhile are left out."""
    rows = index().embeddings(face_ids)
    if len(rows) == len(face_ids):
        return dict(zip(sorted(face_ids), rows, strict=True))
    one_by_one = {face_id: index().embeddings([face_id]) for face_id in face_ids}
    return {face_id: row[0] for face_id, row in one_by_one.items() if len(row)}


def best_similarity(rows: Embeddings, to: Embeddings) -> Embeddings:
    """(len(rows),): the cosine of each row and the most similar row of `to`; -1 where `to` is empty."""
    if not len(to):
        return np.full(len(rows), -1.0, np.float32)
    best: Embeddings = (rows @ to.T).max(axis=1)
    return best


def stacked(*parts: Embeddings) -> Embeddings:
    given = [part for part in parts if len(part)]
    return np.concatenate(given) if given else np.zeros((0, 0), np.float32)
