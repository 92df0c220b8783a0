"""From the bytes of one photo to what is kept of it. Needs no database, so it runs in any process."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np

from matching.errors import Busy, PhotoRejected
from matching.faces import packs, quality
from matching.faces.detect import CHANCE, Detection
from matching.faces.packs import Engine, Found, Pack
from matching.photos import HARVEST_LIMITS, SELFIE_LIMITS, decode, decode_picture, jpeg, shrink
from matching.types import Box, Embeddings, PhotoFault, Pixels, Selfie

log = logging.getLogger(__name__)

DERIVED_SIDE = 1280  # of the upright copy that previews are made from
SELFIE_SIDE = 1600
COMPARABLE = 0.2  # of the area of the largest face: a passer-by is smaller, a friend beside you is not
DOUBTFUL = 0.4  # certainty times size beside the main face: with less, a doubtful face is not asked about
MOST_BY_CHANCE = 6  # of comparable size; more of them are faces
SMALLEST_FACE = 20  # pixels across; below it an embedding means little

# dlib's detector releases the interpreter and keeps its work in the one object: two threads in it at once make up
# hundreds of faces. It also bounds what many uploads at once can take of processor and memory.
one_at_a_time = threading.Lock()
HARVEST_PATIENCE = 300.0  # seconds; nobody waits for one photo of a harvest, and none may be skipped for haste
# Since the photo came; then the visitor is asked to come back, and the thread serves somebody else.
SECONDS_IN_LINE = 4.0


@dataclass(frozen=True)
class Reading:
    width: int
    height: int
    upright: bytes  # JPEG
    boxes: tuple[Box, ...]
    scores: tuple[float, ...]
    rows: Embeddings  # (len(boxes), dim)


def read_harvested(content: bytes, pack: Pack) -> Reading:
    """Errors: PhotoRejected."""
    pixels = decode(content, HARVEST_LIMITS, wait=HARVEST_PATIENCE)
    with one_at_a_time:
        found = faces_in(pixels, packs.engine(pack))
    height, width = pixels.shape[:2]
    return Reading(
        width=width,
        height=height,
        upright=jpeg(shrink(pixels, DERIVED_SIDE), quality=85),
        boxes=tuple(one.detection.box for one in found),
        scores=tuple(one.detection.score for one in found),
        rows=np.stack([one.embedding for one in found]) if found else np.zeros((0, pack.info.dim), np.float32),
    )


def read_selfie(content: bytes, pack: Pack) -> Selfie:
    """Errors: PhotoRejected; Busy, when others had the models for too long."""
    begun = time.monotonic()
    picture = decode_picture(content, SELFIE_LIMITS, side=SELFIE_SIDE)
    with turn(SECONDS_IN_LINE - (time.monotonic() - begun)):
        engine = packs.engine(pack)
        try:
            return selfie(picture.pixels, engine, pack=pack.info.name)
        except PhotoRejected as rejected:
            if rejected.fault is PhotoFault.NO_FACE and picture.is_see_through:
                raise PhotoRejected(PhotoFault.TRANSPARENT) from None
            raise
        except Exception as error:
            log.warning("a photo could not be examined", exc_info=True)
            raise PhotoRejected(PhotoFault.UNEXAMINED) from error


def faces_in(pixels: Pixels, engine: Engine) -> list[Found]:
    """What the models trip over is this photo's fault, and no reason to stop before the next. Errors: PhotoRejected."""
    try:
        return engine.faces(pixels)
    except Exception as error:
        raise PhotoRejected(PhotoFault.UNEXAMINED) from error


def selfie(pixels: Pixels, engine: Engine, *, pack: str) -> Selfie:
    # Of a collage only the detections are paid for: there is nothing to embed before one face stands out.
    face = only_face(engine.detect(pixels), partial(engine.detector.certainty, pixels))
    probes, mirrored = engine.embed(pixels, [face]), engine.embedder.mirrored(pixels, [face])
    live = engine.liveness.score(pixels, face.box) if engine.liveness else None
    found = quality.measure(pixels, face.box, engine.detector.landmarks(face.points))
    return Selfie(jpeg(pixels), probes, mirrored, quality.flaw(found), pack, live)


@contextmanager
def turn(patience: float) -> Iterator[None]:
    """Errors: Busy."""
    if not one_at_a_time.acquire(timeout=max(0.0, patience)):
        raise Busy
    try:
        yield
    finally:
        one_at_a_time.release()


def only_face(found: list[Detection], certainty: Callable[[Detection], float] = lambda each: 1.0) -> Detection:
    """The one that dominates the photo. A tiny face in the background does not make it ambiguous, nor what is no face.

    Errors: PhotoRejected.
    """
    if not found:
        raise PhotoRejected(PhotoFault.NO_FACE)
    comparable = [one for one in found if one.box.area >= COMPARABLE * found[0].box.area]
    main = comparable[0] if len(comparable) == 1 else dominating(comparable, certainty)
    if main.box.width < SMALLEST_FACE:
        raise PhotoRejected(PhotoFault.TOO_SMALL)
    return main


def dominating(comparable: list[Detection], certainty: Callable[[Detection], float]) -> Detection:
    """The one that is surely a face and large, where no other can be meant. Errors: PhotoRejected."""
    if len(comparable) > MOST_BY_CHANCE:
        raise PhotoRejected(PhotoFault.SEVERAL_FACES)
    weighed = sorted(((certainty(one), one) for one in comparable), key=lambda each: -each[0] * each[1].box.area)
    (_, main), *rest = weighed
    others = [(sure, one.box.area / main.box.area) for sure, one in rest]
    if any(sure >= 1 and size >= COMPARABLE for sure, size in others):
        raise PhotoRejected(PhotoFault.SEVERAL_FACES)
    if any(sure >= CHANCE and sure * size >= DOUBTFUL for sure, size in others):
        raise PhotoRejected(PhotoFault.PERHAPS_SEVERAL)
    return main
