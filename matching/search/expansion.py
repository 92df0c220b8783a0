"""Beyond the subject's own probes: searching on with faces that were confirmed to be theirs, without drifting away.

A face found only by a further probe is never certain, and is taken only if
- it is as near to the subject's own probes as ninety-nine of a hundred faces of one person are (the calibration's
  `losing_little`): what is won back is what the cap on strangers in a large index costs, and no more;
- it is not nearer to somebody known to be another person: whoever else is in a confirmed photo, and faces that
  people decided are not the subject's.
The worst case on real photos, everything found confirmed unseen at a threshold where own probes alone brought about 0.6
strangers a case: further probes brought 101 (dlib) and 58 (buffalo_sc) without the rule, 3.4 and 0.5 with it
(`python -m bench.accuracy`, docs/decisions/0006).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matching.index import Hit
from matching.index import store as index
from matching.types import Embeddings, Known, Match

# Each costs comparisons, and so a stricter threshold for all; photos of one person soon say nothing new.
MOST = 16


def further(own: Embeddings, known: Known, certain: Sequence[Match]) -> Embeddings:
    """The probes to search on with: (n, dim), the most different ones; empty where nothing is confirmed."""
    confirmed = stacked(known.confirmed, index().embeddings([match.face_id for match in certain]))
    return stacked(known.mirrored, most_different(confirmed, beside=own))


def most_different(rows: Embeddings, *, beside: Embeddings) -> Embeddings:
    """At most MOST, each time the one farthest from all that are probes already."""
    if len(rows) <= MOST:
        return rows
    chosen: list[int] = []
    nearest = (rows @ beside.T).max(axis=1)
    while len(chosen) < MOST:
        chosen.append(int(nearest.argmin()))
        nearest = np.maximum(nearest, rows @ rows[chosen[-1]])
    return rows[chosen]


def kept(
    candidates: Sequence[Hit], own: Embeddings, known: Known, *, confirmed: Sequence[Match], guard: float
) -> list[tuple[Hit, float]]:
    """Those of the faces found by further probes that may be the subject's, and how near their own probes are."""
    rows = embeddings_of([hit.face_id for hit in candidates])
    candidates = [hit for hit in candidates if hit.face_id in rows]
    if not candidates:
        return []
    found = np.stack([rows[hit.face_id] for hit in candidates])
    near_own = nearest(found, stacked(own, known.mirrored))
    near_subject = np.maximum(near_own, np.array([hit.similarity for hit in candidates], np.float32))
    known_others = stacked(others(beside(known, confirmed), own, guard), index().embeddings(known.others))
    taken = may_be_theirs(near_own, near_subject, nearest(found, known_others), guard=guard)
    return [(hit, float(near)) for hit, near, take in zip(candidates, near_own, taken, strict=True) if take]


def may_be_theirs(
    near_own: Embeddings, near_subject: Embeddings, near_others: Embeddings, *, guard: float
) -> NDArray[np.bool_]:
    """The rule itself, of faces by how near they are to the subject's own probes, to any of the subject, to others."""
    taken: NDArray[np.bool_] = (near_own >= guard) & (near_subject >= near_others)
    return taken


def beside(known: Known, confirmed: Sequence[Match]) -> Embeddings:
    """Whoever else is in the photos that were confirmed."""
    theirs = {match.face_id for match in confirmed} | set(known.faces)
    images = {match.image_id for match in confirmed} | set(known.images)
    faces = [face for image in sorted(images) for face in index().faces_of(image) if face not in theirs]
    return index().embeddings(faces)


def others(beside: Embeddings, own: Embeddings, guard: float) -> Embeddings:
    """Who is as near as the subject there, is the subject: in a mirror, or twice in a collage."""
    return beside[nearest(beside, own) < guard] if len(beside) else beside


def embeddings_of(face_ids: Sequence[int]) -> dict[int, Embeddings]:
    """Each (dim,); a face that was erased meanwhile is left out."""
    rows = index().embeddings(face_ids)
    if len(rows) == len(face_ids):
        return dict(zip(sorted(face_ids), rows, strict=True))
    one_by_one = {face_id: index().embeddings([face_id]) for face_id in face_ids}
    return {face_id: row[0] for face_id, row in one_by_one.items() if len(row)}


def nearest(rows: Embeddings, to: Embeddings) -> Embeddings:
    """(len(rows),): cosine of each row and the nearest of the others; -1 where there is none."""
    if not len(to):
        return np.full(len(rows), -1.0, np.float32)
    closest: Embeddings = (rows @ to.T).max(axis=1)
    return closest


def stacked(*parts: Embeddings) -> Embeddings:
    given = [part for part in parts if len(part)]
    return np.concatenate(given) if given else np.zeros((0, 0), np.float32)
