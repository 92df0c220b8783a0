"""A photo that would find little is used, and says what would make a better one."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from matching import service
from matching.faces import packs, quality
from matching.faces.detect import Landmarks
from matching.types import Flaw

pytestmark = pytest.mark.models


def noisy(photo: Image.Image, deviation: float) -> Image.Image:
    noise = np.random.default_rng(0).normal(0, deviation, (photo.height, photo.width, 3))
    return Image.fromarray(np.clip(np.asarray(photo) + noise, 0, 255).astype(np.uint8))


def striped(photo: Image.Image) -> Image.Image:
    """Each other line is half as bright."""
    pixels = np.array(photo)
    pixels[::2] //= 2
    return Image.fromarray(pixels)


WORSE: dict[Flaw, Callable[[Image.Image], Image.Image]] = {
    Flaw.SMALL: lambda photo: photo.resize((128, 128)),
    Flaw.DARK: lambda photo: photo.point(lambda value: value // 10),
    Flaw.BRIGHT: lambda photo: photo.point(lambda value: min(255, value // 3 + 175)),
    Flaw.BLURRED: lambda photo: photo.filter(ImageFilter.GaussianBlur(2.6)),
    Flaw.NEGATIVE: lambda photo: ImageOps.solarize(photo, 128),
    Flaw.NOISY: lambda photo: noisy(photo, 32),
    Flaw.STRIPED: lambda photo: striped(photo),
    Flaw.POSTERISED: lambda photo: ImageOps.posterize(photo, 2),
}


def flaw_of(photo: Image.Image) -> Flaw | None:
    out = io.BytesIO()
    photo.save(out, "PNG")
    return service.read_selfie(out.getvalue()).flaw


@pytest.fixture
def portrait(astronaut: Path) -> Image.Image:
    return Image.open(astronaut).convert("RGB")


def test_a_good_photo_has_no_flaw(portrait: Image.Image) -> None:
    assert flaw_of(portrait) is None
    assert flaw_of(portrait.rotate(90, expand=True)) is None


@pytest.mark.parametrize("flaw", WORSE)
def test_each_flaw_is_seen(portrait: Image.Image, flaw: Flaw) -> None:
    assert flaw_of(WORSE[flaw](portrait)) is flaw


def test_a_negative_is_seen_in_colour_and_in_grey(portrait: Image.Image) -> None:
    engine = packs.engine(packs.dlib_pack())
    for photo in (portrait, portrait.convert("L").convert("RGB")):
        pixels = np.asarray(photo)
        (face,) = engine.detect(pixels)
        marks = engine.detector.landmarks(face.points)
        assert quality.flaw(quality.measure(pixels, face.box, marks)) is None
        assert quality.flaw(quality.measure(255 - pixels, face.box, marks)) is Flaw.NEGATIVE


def test_every_flaw_can_be_told() -> None:
    turned = quality.Quality(width=200, brightness=120, sharpness=0.1, turn=0.9)
    assert {quality.flaw(turned), *WORSE} == set(Flaw)


def test_a_turned_face_is_seen_however_it_lies() -> None:
    eyes, nose = np.array([[0, 0], [10, 0]], np.float32), np.array([9, 6], np.float32)
    quarter = np.array([[0, -1], [1, 0]], np.float32)
    upright, lying = Landmarks(eyes, nose), Landmarks(eyes @ quarter, nose @ quarter)
    assert quality.turn(upright) == pytest.approx(0.4)
    assert quality.turn(lying) == pytest.approx(0.4)
    assert quality.turn(Landmarks(eyes, np.array([5, 6], np.float32))) == pytest.approx(0)


@pytest.mark.realfaces
@pytest.mark.usefixtures("small_pack")
@pytest.mark.parametrize(("name", "flaw"), [("left_face.jpeg", Flaw.TURNED), ("rise_face.jpeg", None)])
def test_a_real_face_that_is_turned_away_is_seen(shared: Path, name: str, flaw: Flaw | None) -> None:
    assert flaw_of(Image.open(shared / "faces" / "insightface" / f"pose__{name}").convert("RGB")) is flaw


@pytest.mark.realfaces
@pytest.mark.usefixtures("small_pack")
def test_a_mirrored_photo_is_the_mirrored_probe(shared: Path) -> None:
    photo = Image.open(shared / "faces" / "lfw" / "Aaron_Peirsol_0001.jpg").convert("RGB")
    out = io.BytesIO()
    photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(out, "PNG")
    seen = service.read_selfie((shared / "faces" / "lfw" / "Aaron_Peirsol_0001.jpg").read_bytes())
    assert float(seen.mirrored[0] @ service.read_selfie(out.getvalue()).probes[0]) > 0.97
    assert float(seen.mirrored[0] @ seen.probes[0]) < 0.99
