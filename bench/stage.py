"""A portal of its own to measure: the whole stack on an empty database, and images that are in every store."""

import io
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from uuid import UUID, uuid4

import django
import numpy as np
from PIL import Image

from portal.local.stack import Stack

BATCH = 500
FACES = 2  # an image
DIM = 128
PHOTO_BYTES = 4096  # never decoded here
SITE = "photos.example"
DAY = date(2026, 3, 14)


@contextmanager
def portal(env: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """Start it, and let this process work on its database. Once a process: Django is set up once."""
    with tempfile.TemporaryDirectory(prefix="takedown-stage-") as folder:
        stack = Stack(Path(folder) / "stack", demo=True, pictures=False, env=env)
        try:
            stack.start()
            os.environ.update(stack.env)
            django.setup()
            yield stack
        finally:
            stack.destroy()


def populate(images: int) -> list[UUID]:
    """Images with photo, derived file and faces, by the index's one door; no model runs."""
    from matching.harvest import admission  # noqa: PLC0415

    ids = [uuid4() for _ in range(images)]
    with admission.one_harvest():
        for start in range(0, images, BATCH):
            _admit(ids[start : start + BATCH])
    return ids


@cache
def _upright() -> bytes:
    """A picture that opens, because whoever decides on an image has to look at it."""
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "grey").save(out, "JPEG")
    return out.getvalue()


def _admit(ids: list[UUID]) -> None:
    from matching.harvest import admission  # noqa: PLC0415
    from matching.index.protocol import face_rows  # noqa: PLC0415
    from matching.types import Box  # noqa: PLC0415

    arrivals = []
    for image_id in ids:
        photo = admission.Photo(secrets.token_bytes(PHOTO_BYTES), _upright())
        page = f"https://{SITE}/{image_id}"
        arrivals.append(
            admission.Arrival(
                image_id, admission.digest(photo.content), page, SITE, DAY, width=64, height=64, photo=photo
            )
        )
    faces = len(ids) * FACES
    rows = np.random.default_rng().standard_normal((faces, DIM)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    owners = [image_id for image_id in ids for _ in range(FACES)]
    admission.admit(arrivals, face_rows(owners, [Box(1, 1, 9, 9)] * faces, [1.0] * faces, rows))
