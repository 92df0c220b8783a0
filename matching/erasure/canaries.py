"""Faces of nobody, to be looked for on the disk after they were erased."""

from datetime import date
from uuid import UUID, uuid4

import numpy as np

from matching.faces import unit
from matching.harvest import Arrival, admit, one_harvest
from matching.index import FaceRows
from matching.models import IndexPack

SITE = "canary.invalid"
DIM = 128  # of an index that is still empty
ONE_DAY = date(2000, 1, 1)


def plant(count: int) -> dict[UUID, bytes]:
    """Images without a photo, each with one random face; by id, the bytes of its embedding as PostgreSQL keeps them."""
    held = IndexPack.objects.first()
    dim = held.dim if held else DIM
    rows = unit(np.random.default_rng().standard_normal((count, dim)).astype(np.float32))
    ids = [uuid4() for _ in range(count)]
    arrivals = [Arrival(one, one.bytes * 2, f"https://{SITE}/{one}", SITE, ONE_DAY) for one in ids]
    boxes = np.tile(np.array([0, 0, 1, 1], np.int32), (count, 1))
    with one_harvest():
        admit(arrivals, FaceRows(ids, boxes, np.ones(count, np.float32), rows))
    return {one: row.astype("<f2").tobytes() for one, row in zip(ids, rows, strict=True)}
