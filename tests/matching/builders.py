"""Images in the index without a model: embeddings are chosen by the test."""

import hashlib
from datetime import date
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
from PIL import Image, ImageOps

from matching.faces import packs, vectors
from matching.harvest import admission
from matching.harvest.admission import Arrival, Photo
from matching.index.protocol import face_rows
from matching.models import IndexPack
from matching.photos import images
from matching.types import Box, Embeddings, Harvestable, Pixels

BOX = Box(20, 20, 60, 60)


def unit_rows(count: int, *, seed: int = 0, dim: int = 128) -> Embeddings:
    return vectors.unit(np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32))


def near(row: Embeddings, similarity: float, *, seed: int = 1) -> Embeddings:
    """A vector of unit length at this cosine from `row`."""
    other = unit_rows(1, seed=seed, dim=len(row))[0]
    across = other - (other @ row) * row
    across /= np.linalg.norm(across)
    turned: Embeddings = (similarity * row + np.sqrt(1 - similarity**2) * across).astype(np.float32)
    return turned


def placed(*near_to: tuple[Embeddings, float], seed: int = 1) -> Embeddings:
    """A vector of unit length at each of these cosines from each of these rows."""
    rows, cosines = np.stack([row for row, _cosine in near_to]), np.array([cosine for _row, cosine in near_to])
    within = rows.T @ np.linalg.solve(rows @ rows.T, cosines)
    other = unit_rows(1, seed=seed, dim=rows.shape[1])[0]
    across = other - rows.T @ np.linalg.solve(rows @ rows.T, rows @ other)
    made: Embeddings = within + across * np.sqrt(1 - within @ within) / np.linalg.norm(across)
    return made.astype(np.float32)


def noise(*, side: int = 100, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def make_image(
    rows: Embeddings,
    *,
    boxes: list[Box] | None = None,
    page: str = "https://harvest.example/1.jpg",
    pixels: Pixels | None = None,
) -> UUID:
    """An image whose faces have these embeddings, in the index and in the store."""
    shown = noise() if pixels is None else pixels
    content, image_id = images.jpeg(shown), uuid4()
    arrival = Arrival(
        image_id,
        hashlib.sha256(content + image_id.bytes).digest(),
        page=page,
        site="harvest.example",
        harvested_on=date(2020, 2, 3),
        country="FR",
        width=shown.shape[1],
        height=shown.shape[0],
        photo=Photo(content, content),
    )
    faces = face_rows([image_id] * len(rows), boxes or [BOX] * len(rows), [1.0] * len(rows), rows)
    with admission.one_harvest():
        admission.admit([arrival], faces)
    return image_id


def make_index_pack(*, recogniser: str = "") -> None:
    chosen = packs.chosen()
    IndexPack.objects.create(
        name=chosen.info.name, recogniser=recogniser or chosen.recogniser_sha256, dim=chosen.info.dim
    )


def entry(file: Path, *, page: str = "") -> Harvestable:
    return Harvestable(file, page or f"https://harvest.example/{file.name}", "harvest.example", date(2020, 2, 3))


def astronaut_variants(original: Path, folder: Path) -> list[Path]:
    """The same photo as a scraper meets it: smaller, turned, mirrored, squeezed, cropped."""
    photo = Image.open(original).convert("RGB")
    lying = photo.rotate(90, expand=True)
    exif = lying.getexif()
    exif[0x0112] = 6  # to be turned a quarter clockwise, which stands it up
    lying.save(folder / "by_exif.jpg", exif=exif)
    photo.save(folder / "quality_30.jpg", quality=30)
    made = {
        "half": photo.resize((256, 256)),
        "quarter": photo.resize((128, 128)),
        "mirrored": ImageOps.mirror(photo),
        "turned_90": lying,
        "turned_180": photo.rotate(180),
        "turned_270": photo.rotate(270, expand=True),
        "tight": photo.crop((176, 70, 280, 190)),
    }
    for name, variant in made.items():
        variant.save(folder / f"{name}.png")
    return sorted(folder.iterdir())
