"""People as a recogniser would see them, without photos: a direction for each, and faces scattered around it."""

from pathlib import Path

import numpy as np

from matching.calibration.labels import Photo
from matching.types import Embeddings
from tests.matching import builders


def faces_of(person: int, count: int, *, likeness: float = 0.8, dim: int = 64) -> Embeddings:
    """Faces of one person at this cosine from their true direction; two of them are about its square alike."""
    (centre,) = builders.unit_rows(1, seed=person, dim=dim)
    return np.stack([builders.near(centre, likeness, seed=1000 * (person + 1) + nth) for nth in range(count)])


def photo(line: int, identity: str = "", group: str = "") -> Photo:
    return Photo(line, Path("unused.jpg"), identity, group)
