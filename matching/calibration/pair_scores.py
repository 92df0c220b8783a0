"""How well a pack tells people apart: the scores of all pairs of labelled faces, and of all pairs of people.

Pairs of faces are not independent: five photos of each of two people make twenty-five. False matches are therefore
counted by pairs of people, each pair once, by its most similar faces. Two of these pairs may still share a person. How
much that widens the estimate is measured (`design_effect`) and stated, but not corrected.

Scores are counted in bins, one block of faces after another, so that a hundred thousand faces fit into memory.
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
NOT_COMPARED = -2.0  # lower than any cosine
MIN_FALSE_MATCHES = 30  # with fewer false matches their variance says nothing
SAME_PICTURE = 0.999  # no two people are so similar; it is one picture that was saved twice
FACES_PER_BLOCK = 1024  # faces compared with all others at once


@dataclass(frozen=True)
class LabelledFaces:
    """A row for each face, sorted by person so that the faces of one person are together; -1 is an unknown identity."""

    rows: Embeddings
    identity: Numbers
    person: Numbers  # a face without identity is a person of its own
    photo: Numbers
    group: Numbers
    set: Numbers
    family: Numbers  # -1 is an unknown family
    collage: Mask
    kin: Numbers  # (pairs, 2): named relatives, by person

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def starts(self) -> Numbers:
        """The row at which each person's faces begin."""
        return np.flatnonzero(np.diff(self.person, prepend=-1))

    def of(self, person: int) -> slice:
        first, last = np.searchsorted(self.person, (person, person + 1))
        return slice(int(first), int(last))


@dataclass(frozen=True)
class PairScores:
    """Histograms of similarity."""

    faces: int  # that were compared at all
    people: int
    genuine: Counts  # pairs of faces of one person
    impostor: Counts  # pairs of faces of different people
    people_pairs: Counts  # pairs of different people, by their most similar faces
    design_effect: float
    relatives: Counts  # pairs of named relatives, by their most similar faces


@dataclass(frozen=True)
class _Comparisons:
    """The faces of some people compared with everybody's: rows are their faces, columns all faces."""

    first: int  # the row of the first of these faces in LabelledFaces
    people: Numbers
    similarities: NDArray[np.float32]
    genuine: Mask
    impostor: Mask
    closest: NDArray[np.float32]  # (people here, all people)


def labelled_faces(found: Iterable[tuple[Photo, Embeddings]], kin: Collection[frozenset[str]] = ()) -> LabelledFaces:
    """From photos with their embeddings (n, dim), the largest face first; the label of a photo is about that face.

    `kin` are pairs of identities that are related.
    """
    photos = [(photo, rows) for photo, rows in found if len(rows)]
    counts = np.array([len(rows) for _photo, rows in photos], np.intp)
    largest = np.cumsum(counts) - counts
    identity = np.full(int(counts.sum()), -1, np.intp)
    identity[largest] = numbered([photo.identity for photo, _rows in photos])
    alone = identity < 0
    person = identity.copy()
    person[alone] = identity.max(initial=-1) + 1 + np.arange(alone.sum())
    order = np.argsort(person, kind="stable")
    return LabelledFaces(
        rows=np.concatenate([rows for _photo, rows in photos])[order],
        identity=identity[order],
        person=np.unique(person[order], return_inverse=True)[1],
        photo=np.repeat(np.arange(len(photos)), counts)[order],
        group=np.repeat(numbered([photo.group for photo, _rows in photos]), counts)[order],
        set=np.repeat(numbered([photo.set for photo, _rows in photos]), counts)[order],
        family=np.where(alone, -1, np.repeat(numbered([photo.family for photo, _rows in photos]), counts))[order],
        collage=np.repeat([photo.group.startswith(COLLAGE) for photo, _rows in photos], counts)[order],
        kin=related([photo.identity for photo, _rows in photos], kin),
    )


def numbered(names: Sequence[str]) -> Numbers:
    """One number for each different name, -1 for an empty one."""
    known = {name: number for number, name in enumerate(dict.fromkeys(name for name in names if name))}
    return np.array([known.get(name, -1) for name in names], np.intp)


def related(identities: Sequence[str], kin: Collection[frozenset[str]]) -> Numbers:
    """The pairs of relatives of whom both have a face, by the numbers of `numbered`."""
    known = {name: number for name, number in zip(identities, numbered(identities), strict=True) if name}
    pairs = [sorted(int(known[name]) for name in pair) for pair in kin if len(pair) == 2 and pair <= known.keys()]
    return np.array(sorted(pairs), np.intp).reshape(-1, 2)


def score_pairs(faces: LabelledFaces) -> PairScores:
    genuine, impostor, people_pairs = (np.zeros(len(EDGES), np.int64) for _ in range(3))
    used = np.zeros(len(faces), np.bool_)
    for batch in comparisons(faces):
        used[batch.first : batch.first + len(batch.similarities)] = (batch.genuine | batch.impostor).any(axis=1)
        later = np.arange(len(faces)) > (batch.first + np.arange(len(batch.similarities)))[:, np.newaxis]
        genuine += binned(batch.similarities[batch.genuine & later])
        impostor += binned(batch.similarities[batch.impostor & later])
        once = (batch.closest > NOT_COMPARED) & (np.arange(batch.closest.shape[1]) > batch.people[:, np.newaxis])
        people_pairs += binned(batch.closest[once])
    people = len(np.unique(faces.person[used]))
    most = [float((faces.rows[faces.of(one)] @ faces.rows[faces.of(other)].T).max()) for one, other in faces.kin]
    relatives = binned(np.array(most, np.float32))
    effect = design_effect(faces, people_pairs)
    return PairScores(int(used.sum()), people, genuine, impostor, people_pairs, effect, relatives)


def same_picture_of_two_people(faces: LabelledFaces) -> dict[int, int]:
    """Photos, each with another or itself, that show one picture although the labels say two people."""
    pairs: dict[int, int] = {}
    for batch in comparisons(faces):
        for here, there in np.argwhere(batch.impostor & (batch.similarities >= SAME_PICTURE)):
            pairs.setdefault(int(faces.photo[batch.first + here]), int(faces.photo[there]))
    return pairs


def comparisons(faces: LabelledFaces) -> Iterator[_Comparisons]:
    """In blocks of about FACES_PER_BLOCK faces, never splitting the faces of one person."""
    starts = [*faces.starts, len(faces)]
    first = 0
    for person in range(1, len(starts)):
        if starts[person] - starts[first] >= FACES_PER_BLOCK or person == len(starts) - 1:
            yield compare(faces, np.arange(first, person), starts[first], starts[person])
            first = person


def compare(faces: LabelledFaces, people: Numbers, first: int, last: int) -> _Comparisons:
    here = slice(first, last)
    similarities = faces.rows[here] @ faces.rows.T
    genuine, impostor = are_genuine(faces, here), are_impostor(faces, here)
    compared = np.where(impostor, similarities, np.float32(NOT_COMPARED))
    by_column = np.maximum.reduceat(compared, faces.starts, axis=1)
    closest = np.maximum.reduceat(by_column, faces.starts[people] - first, axis=0)
    return _Comparisons(first, people, similarities, genuine, impostor, closest)


def are_genuine(faces: LabelledFaces, here: slice) -> Mask:
    identity = faces.identity[here, np.newaxis]
    genuine: Mask = (identity == faces.identity) & (identity >= 0) & (faces.photo[here, np.newaxis] != faces.photo)
    return genuine


def are_impostor(faces: LabelledFaces, here: slice) -> Mask:
    """By the rules in `matching.calibration.labels`: two faces of one photo are two people, unless it is a collage."""
    person, family = faces.person[here], faces.family[here, np.newaxis]
    identity, photo = faces.identity[here, np.newaxis], faces.photo[here, np.newaxis]
    both_known = (identity >= 0) & (faces.identity >= 0)
    in_one_photo = (photo == faces.photo) & ~faces.collage
    apart = (photo != faces.photo) & (faces.group[here, np.newaxis] != faces.group)
    impostor: Mask = np.where(both_known, identity != faces.identity, in_one_photo | apart)
    impostor &= faces.set[here, np.newaxis] == faces.set
    impostor &= (family < 0) | (family != faces.family)
    for one, other in np.concatenate([faces.kin, faces.kin[:, ::-1]]):
        impostor[person == one, faces.of(other)] = False
    impostor[np.arange(impostor.shape[0]), np.arange(here.start, here.stop)] = False
    return impostor


def binned(similarities: NDArray[np.float32]) -> Counts:
    places = np.searchsorted(EDGES, similarities.astype(np.float64), side="right") - 1
    return np.bincount(np.maximum(places, 0), minlength=len(EDGES)).astype(np.int64)


def at_or_above(counts: Counts) -> Counts:
    """Pairs with a similarity of each edge or more."""
    return counts[::-1].cumsum()[::-1]


def design_effect(faces: LabelledFaces, people_pairs: Counts) -> float:
    """The variance of the FMR, divided by the variance that as many independent pairs would have.

    It is taken at the lowest FMR that can be measured, and is 1 where too few people were compared. The variance is
    that of pairs which share members (Aronow, Samii and Assenova, Political Analysis 2015), simplified for a share.
    """
    pairs, seen = int(people_pairs.sum()), at_or_above(people_pairs)
    if pairs <= MIN_FALSE_MATCHES:
        return 1.0
    edge = np.flatnonzero(seen >= MIN_FALSE_MATCHES)[-1]
    threshold, rate = EDGES[edge], int(seen[edge]) / pairs
    excess = [
        (batch.closest >= threshold).sum(axis=1) - rate * (batch.closest > NOT_COMPARED).sum(axis=1)
        for batch in comparisons(faces)
    ]
    spread = float((np.concatenate(excess) ** 2).sum())
    return max(1.0, spread / (pairs * rate * (1 - rate)) - 1) if rate < 1 else 1.0
