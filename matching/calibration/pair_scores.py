"""How far a pack keeps people apart: every pair of labelled faces, and every pair of people by its most alike faces.

Pairs of faces are not independent: five photos of each of two people make twenty-five. False matches are therefore
counted by pairs of people, each pair once by its most similar photos. That two pairs share a person remains; how much
it widens the estimate is measured (`design_effect`) and stated, not corrected.

Everything is counted block by block into bins, so that a hundred thousand faces fit into memory.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.calibration.labels import COLLAGE, Photo
from matching.types import Embeddings

Mask = NDArray[np.bool_]
Numbers = NDArray[np.intp]
Counts = NDArray[np.int64]  # (len(EDGES),): pairs with a similarity from each edge up to the next

EDGES = np.round(np.arange(-1000, 1001) / 1000, 3)
NEVER_COMPARED = -2.0  # no cosine is as low
ENOUGH_SEEN = 30  # false matches from which their spread says anything
ONE_PICTURE = 0.999  # so alike are no two people, but one picture that was saved twice
BLOCK = 1024  # faces compared with all others at once


@dataclass(frozen=True)
class LabelledFaces:
    """Sorted by person, so that the faces of one lie together. -1: no identity is known."""

    rows: Embeddings
    identity: Numbers
    person: Numbers  # a face without identity is a person of its own
    photo: Numbers
    group: Numbers
    set: Numbers
    family: Numbers  # -1: none is known
    collage: Mask
    kin: Numbers  # (pairs, 2): relatives that are named, by person

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def starts(self) -> Numbers:
        """Where each person's faces begin."""
        return np.flatnonzero(np.diff(self.person, prepend=-1))

    def of(self, person: int) -> slice:
        first, last = np.searchsorted(self.person, (person, person + 1))
        return slice(int(first), int(last))


@dataclass(frozen=True)
class Separation:
    faces: int  # that were compared at all
    people: int
    genuine: Counts  # pairs of faces of one person
    impostor: Counts  # pairs of faces of different people
    closest: Counts  # pairs of people, by their most alike faces
    design_effect: float
    relatives: Counts  # pairs of relatives that are named, by their most alike faces


@dataclass(frozen=True)
class _Block:
    """Some people's faces against everybody's."""

    first: int  # of the faces
    people: Numbers
    alike: NDArray[np.float32]
    same: Mask
    different: Mask
    closest: NDArray[np.float32]  # (people here, all people)


def gather(found: Iterable[tuple[Photo, Embeddings]], kin: Collection[frozenset[str]] = ()) -> LabelledFaces:
    """From each photo with its faces, the largest first: the one its identity is of."""
    photos = [(photo, rows) for photo, rows in found if len(rows)]
    counts = np.array([len(rows) for _photo, rows in photos], np.intp)
    largest = np.cumsum(counts) - counts
    identity = np.full(int(counts.sum()), -1, np.intp)
    identity[largest] = coded([photo.identity for photo, _rows in photos])
    alone = identity < 0
    person = identity.copy()
    person[alone] = identity.max(initial=-1) + 1 + np.arange(alone.sum())
    order = np.argsort(person, kind="stable")
    return LabelledFaces(
        rows=np.concatenate([rows for _photo, rows in photos])[order],
        identity=identity[order],
        person=np.unique(person[order], return_inverse=True)[1],
        photo=np.repeat(np.arange(len(photos)), counts)[order],
        group=np.repeat(coded([photo.group for photo, _rows in photos]), counts)[order],
        set=np.repeat(coded([photo.set for photo, _rows in photos]), counts)[order],
        family=np.where(alone, -1, np.repeat(coded([photo.family for photo, _rows in photos]), counts))[order],
        collage=np.repeat([photo.group.startswith(COLLAGE) for photo, _rows in photos], counts)[order],
        kin=numbered([photo.identity for photo, _rows in photos], kin),
    )


def coded(names: Sequence[str]) -> Numbers:
    """One number for each different name, -1 for an empty one."""
    known = {name: number for number, name in enumerate(dict.fromkeys(name for name in names if name))}
    return np.array([known.get(name, -1) for name in names], np.intp)


def numbered(identities: Sequence[str], kin: Collection[frozenset[str]]) -> Numbers:
    """The pairs of which both have a face, by the numbers of `coded`."""
    known = {name: number for name, number in zip(identities, coded(identities), strict=True) if name}
    pairs = [sorted(int(known[name]) for name in pair) for pair in kin if len(pair) == 2 and pair <= known.keys()]
    return np.array(sorted(pairs), np.intp).reshape(-1, 2)


def separate(faces: LabelledFaces) -> Separation:
    genuine, impostor, closest = (np.zeros(len(EDGES), np.int64) for _ in range(3))
    used = np.zeros(len(faces), np.bool_)
    for block in blocks(faces):
        used[block.first : block.first + len(block.alike)] = (block.same | block.different).any(axis=1)
        later = np.arange(len(faces)) > (block.first + np.arange(len(block.alike)))[:, np.newaxis]
        genuine += binned(block.alike[block.same & later])
        impostor += binned(block.alike[block.different & later])
        once = (block.closest > NEVER_COMPARED) & (np.arange(block.closest.shape[1]) > block.people[:, np.newaxis])
        closest += binned(block.closest[once])
    people = len(np.unique(faces.person[used]))
    alike = [float((faces.rows[faces.of(one)] @ faces.rows[faces.of(other)].T).max()) for one, other in faces.kin]
    relatives = binned(np.array(alike, np.float32))
    return Separation(int(used.sum()), people, genuine, impostor, closest, design_effect(faces, closest), relatives)


def given_to_two(faces: LabelledFaces) -> tuple[int, int] | None:
    """Two photos, perhaps one and the same, in which two people are said to be who look like one picture."""
    for block in blocks(faces):
        found = np.argwhere(block.different & (block.alike >= ONE_PICTURE))
        if len(found):
            here, there = found[0]
            return int(faces.photo[block.first + here]), int(faces.photo[there])
    return None


def blocks(faces: LabelledFaces) -> Iterator[_Block]:
    """Whole people at a time, about BLOCK faces."""
    starts = [*faces.starts, len(faces)]
    first = 0
    for person in range(1, len(starts)):
        if starts[person] - starts[first] >= BLOCK or person == len(starts) - 1:
            yield block_of(faces, np.arange(first, person), starts[first], starts[person])
            first = person


def block_of(faces: LabelledFaces, people: Numbers, first: int, last: int) -> _Block:
    here = slice(first, last)
    alike = faces.rows[here] @ faces.rows.T
    same, different = same_person(faces, here), different_people(faces, here)
    shown = np.where(different, alike, np.float32(NEVER_COMPARED))
    by_column = np.maximum.reduceat(shown, faces.starts, axis=1)
    closest = np.maximum.reduceat(by_column, faces.starts[people] - first, axis=0)
    return _Block(first, people, alike, same, different, closest)


def same_person(faces: LabelledFaces, here: slice) -> Mask:
    identity = faces.identity[here, np.newaxis]
    same: Mask = (identity == faces.identity) & (identity >= 0) & (faces.photo[here, np.newaxis] != faces.photo)
    return same


def different_people(faces: LabelledFaces, here: slice) -> Mask:
    """As `matching.calibration.labels` says. Two faces of one photo are never one person's, unless it is a collage."""
    person, family = faces.person[here], faces.family[here, np.newaxis]
    identity, photo = faces.identity[here, np.newaxis], faces.photo[here, np.newaxis]
    both_known = (identity >= 0) & (faces.identity >= 0)
    in_one_photo = (photo == faces.photo) & ~faces.collage
    apart = (photo != faces.photo) & (faces.group[here, np.newaxis] != faces.group)
    different: Mask = np.where(both_known, identity != faces.identity, in_one_photo | apart)
    different &= faces.set[here, np.newaxis] == faces.set
    different &= (family < 0) | (family != faces.family)
    for one, other in np.concatenate([faces.kin, faces.kin[:, ::-1]]):
        different[person == one, faces.of(other)] = False
    different[np.arange(different.shape[0]), np.arange(here.start, here.stop)] = False
    return different


def binned(similarities: NDArray[np.float32]) -> Counts:
    places = np.searchsorted(EDGES, similarities.astype(np.float64), side="right") - 1
    return np.bincount(np.maximum(places, 0), minlength=len(EDGES)).astype(np.int64)


def at_or_above(counts: Counts) -> Counts:
    """Pairs with a similarity of each edge or more."""
    return counts[::-1].cumsum()[::-1]


def design_effect(faces: LabelledFaces, closest: Counts) -> float:
    """Variance of the rate of false matches over that of as many independent pairs.

    Where as few as can be measured are seen; 1 where too few people were compared. The variance is the one for pairs
    that share members (Aronow, Samii and Assenova, Political Analysis 2015); for a share it comes down to this.
    """
    pairs, seen = int(closest.sum()), at_or_above(closest)
    if pairs <= ENOUGH_SEEN:
        return 1.0
    edge = np.flatnonzero(seen >= ENOUGH_SEEN)[-1]
    threshold, rate = EDGES[edge], int(seen[edge]) / pairs
    excess = [
        (block.closest >= threshold).sum(axis=1) - rate * (block.closest > NEVER_COMPARED).sum(axis=1)
        for block in blocks(faces)
    ]
    spread = float((np.concatenate(excess) ** 2).sum())
    return max(1.0, spread / (pairs * rate * (1 - rate)) - 1) if rate < 1 else 1.0
