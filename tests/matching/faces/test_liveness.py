"""How live a face looks is a number for staff, where the models for it are there, and nothing where they are not."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from django.conf import Settings

from bench import pad
from matching import service
from matching.errors import PackError, PhotoRejected
from matching.faces import liveness, packs
from matching.types import Box
from tests.matching.conftest import set_matching


@pytest.fixture
def with_pad(settings: Settings, shared: Path) -> None:
    set_matching(settings, PAD_FOLDER=str(shared / "models" / "antispoof"))


def test_without_the_models_nothing_is_said(astronaut: Path) -> None:
    assert service.read_selfie(astronaut.read_bytes()).live is None


@pytest.mark.realfaces
@pytest.mark.usefixtures("with_pad")
def test_prints_and_screens_look_less_live_than_a_portrait(astronaut: Path, shared: Path) -> None:
    portrait = service.read_selfie(astronaut.read_bytes()).live
    assert portrait is not None
    assert portrait > pad.CLASSIFIED_LIVE_FROM
    for name in pad.ATTACKS:
        attack = service.read_selfie((shared / "faces" / name).read_bytes()).live
        assert attack is not None
        assert attack < pad.CLASSIFIED_LIVE_FROM


@pytest.mark.realfaces
@pytest.mark.usefixtures("with_pad")
def test_a_low_score_refuses_nothing(shared: Path) -> None:
    try:
        service.read_selfie((shared / "faces" / pad.ATTACKS[0]).read_bytes())
    except PhotoRejected:
        pytest.fail("a score alone turned a photo away")


@pytest.mark.realfaces
def test_its_models_are_checked_like_any_pack(shared: Path, tmp_path: Path) -> None:
    for name in liveness.SCALES:
        shutil.copyfile(shared / "models" / "antispoof" / name, tmp_path / name)
    named = packs.named.__wrapped__
    assert len(named("dlib", tmp_path, pad=str(tmp_path)).liveness) == 2
    spoilt = bytearray((tmp_path / "MiniFASNetV2.onnx").read_bytes())
    spoilt[-100] ^= 1
    (tmp_path / "MiniFASNetV2.onnx").write_bytes(spoilt)
    with pytest.raises(PackError, match=r"Nobody vouches for MiniFASNetV2\.onnx"):
        named("dlib", tmp_path, pad=str(tmp_path))


def test_a_folder_without_the_models_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="cannot be read"):
        packs.named.__wrapped__("dlib", tmp_path, pad=str(tmp_path))


@pytest.mark.parametrize(
    ("face", "scale", "expected"),
    [
        (Box(400, 400, 500, 500), 2.0, Box(350, 350, 551, 551)),  # around it
        (Box(0, 0, 100, 100), 2.0, Box(0, 0, 201, 201)),  # moved into the photo
        (Box(900, 900, 1000, 1000), 2.0, Box(799, 799, 1000, 1000)),
        (Box(100, 100, 900, 900), 4.0, Box(0, 0, 1000, 1000)),  # no larger than the photo
        (Box(-50, -50, 950, 950), 4.0, Box(0, 0, 1000, 1000)),  # a detector's box may reach beyond it
    ],
)
def test_what_is_looked_at_lies_within_the_photo(face: Box, scale: float, expected: Box) -> None:
    photo = np.zeros((1000, 1000, 3), np.uint8)
    assert liveness.surroundings(face, scale, photo) == expected


def test_intervals_are_those_of_clopper_and_pearson() -> None:
    assert pad.clopper_pearson(0, 3) == pytest.approx((0.0, 0.7076), abs=1e-4)
    assert pad.clopper_pearson(35, 147) == pytest.approx((0.1718, 0.3153), abs=1e-3)
    assert pad.clopper_pearson(3, 3) == pytest.approx((0.2924, 1.0), abs=1e-4)
