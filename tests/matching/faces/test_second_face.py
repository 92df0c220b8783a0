"""A second face counts against a selfie only if it is one; where that is unsure, the answer says so."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from matching import service
from matching.errors import PhotoRejected
from matching.faces import find_faces, packs
from matching.faces.detect import Detection
from matching.types import Box, PhotoFault
from portal.residents import photo_faults

pytestmark = pytest.mark.models


@pytest.fixture
def portrait(astronaut: Path) -> Image.Image:
    return Image.open(astronaut).convert("RGB")


def encoded(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def fault_of(picture: Image.Image) -> PhotoFault:
    with pytest.raises(PhotoRejected) as caught:
        service.read_selfie(encoded(picture))
    return caught.value.fault


def with_bars(picture: Image.Image, width: int, height: int) -> Image.Image:
    """As a phone shows it on its screen."""
    return ImageOps.pad(picture, (width, height), color="black")


def beside_each_other(one: Image.Image, other: Image.Image) -> Image.Image:
    both = Image.new("RGB", (one.width + other.width, max(one.height, other.height)), "grey")
    both.paste(one, (0, 0))
    both.paste(other, (one.width, 0))
    return both


@pytest.mark.parametrize("degrees", [-20, -15, 10, 15, 20])
def test_a_tilted_head_is_one_face_and_the_right_one(degrees: int, portrait: Image.Image) -> None:
    upright = service.read_selfie(encoded(portrait)).probes[0]
    tilted = service.read_selfie(encoded(portrait.rotate(degrees, expand=True, fillcolor="white"))).probes[0]
    assert float(upright @ tilted) > 0.95


@pytest.mark.parametrize("size", [(750, 1334), (1280, 720)])
def test_a_screenshot_with_black_bars_is_one_face(size: tuple[int, int], portrait: Image.Image) -> None:
    assert service.read_selfie(encoded(with_bars(portrait, *size))).probes.shape == (1, 128)


@pytest.mark.parametrize("degrees", [0, 15])
def test_two_people_are_still_two(degrees: int, portrait: Image.Image) -> None:
    face = portrait.crop((120, 20, 340, 300))
    both = beside_each_other(face, ImageOps.mirror(face).resize((165, 210)))
    assert fault_of(both.rotate(degrees, expand=True)) is PhotoFault.SEVERAL_FACES


def face(left: int, side: int, score: float) -> Detection:
    return Detection(Box(left, 0, left + side, side), np.zeros((5, 2), np.float32), score)


@pytest.mark.parametrize(
    ("certainty", "side", "fault"),
    [
        (1.2, 60, PhotoFault.SEVERAL_FACES),
        (1.2, 40, None),  # a passer-by
        (0.7, 90, PhotoFault.PERHAPS_SEVERAL),
        (0.7, 60, None),  # doubtful, and small beside the main face
        (0.3, 120, None),  # larger than the main face, and none
    ],
)
def test_certainty_and_size_are_weighed(certainty: float, side: int, fault: PhotoFault | None) -> None:
    main, other = face(0, 100, 1.4), face(300, side, certainty)
    found = sorted([main, other], key=lambda one: -one.box.area)
    if fault is None:
        assert find_faces.only_face(found, lambda one: one.score) is main
    else:
        with pytest.raises(PhotoRejected) as caught:
            find_faces.only_face(found, lambda one: one.score)
        assert caught.value.fault is fault


def test_a_face_is_surer_than_what_only_looks_like_one(portrait: Image.Image) -> None:
    engine = packs.engine(packs.dlib_pack())
    pixels = np.asarray(portrait.rotate(15, expand=True))
    real, patch_on_her_suit = engine.detect(pixels)
    assert patch_on_her_suit.score > real.score
    assert engine.detector.certainty(pixels, real) > 1 > engine.detector.certainty(pixels, patch_on_her_suit)


def test_a_small_face_in_a_large_photo_is_answered_with_how_to_cut_it(portrait: Image.Image) -> None:
    large = Image.new("RGB", (4000, 3000), "grey")
    large.paste(portrait.resize((300, 300)), (1500, 1500))
    fault = fault_of(large)
    assert "to your face" in str(photo_faults.SENTENCES[fault])
    cut = large.crop((1400, 1400, 1900, 1900))
    assert service.read_selfie(encoded(cut)).probes.shape == (1, 128)
