"""Reading the labelled photos on every core, for the benchmark of accuracy.

A process that reads unpickles from this module, so it imports nothing that needs Django's models.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import django
import numpy as np
from django.conf import settings
from tqdm import tqdm

from matching.calibration.labels import Photo
from matching.decoding.limits import HARVEST
from matching.errors import PhotoRejected
from matching.faces import packs
from matching.faces.detect import Detection, Detector, Hog, Scrfd
from matching.faces.packs import Pack
from matching.faces.workers import workers
from matching.photos import images
from matching.types import Embeddings, Pixels

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Seen:
    """What a pack makes of one photo; the largest face first."""

    photo: Photo
    rows: Embeddings
    mirrored: Embeddings
    plain: Embeddings  # found in one pass, at one size, upright only


def read_all(photos: list[Photo], pack: Pack) -> Iterator[Seen]:
    with workers(len(photos)) as pool:
        outcomes = (map if pool is None else pool.map)(partial(read, pack), photos)
        yield from tqdm(outcomes, total=len(photos), unit="photo", disable=not sys.stderr.isatty())


def read(pack: Pack, photo: Photo) -> Seen:
    configure()
    engine, none = packs.engine(pack), np.zeros((0, pack.info.dim), np.float32)
    try:
        pixels = images.decode(photo.file.read_bytes(), HARVEST)
    except PhotoRejected:
        return Seen(photo, none, none, none)
    faces, plain = engine.detect(pixels), by_size(one_pass(engine.detector, pixels))
    mirrored = engine.embedder.mirrored(pixels, faces)
    return Seen(photo, engine.embed(pixels, faces), mirrored, engine.embed(pixels, plain))


def one_pass(detector: Detector, pixels: Pixels) -> list[Detection]:
    """As a plain loop over the detector would see: no border, no second size, no turn."""
    if isinstance(detector, Scrfd):
        return detector._at(pixels, 640, 0)
    assert isinstance(detector, Hog)
    return detector._at(pixels, detector.sides[0], 0.0, detector.threshold)


def by_size(found: list[Detection]) -> list[Detection]:
    return sorted(found, key=lambda one: -one.box.area)


def configure() -> None:
    """In each process. Only what is shipped counts here, not what an operator measured on this machine."""
    if not settings.configured:
        matching = {"PACKS_FOLDER": PROJECT / "var" / "packs", "CALIBRATIONS": ""}
        settings.configure(MATCHING=matching, INSTALLED_APPS=["matching"])
        django.setup()
