"""What the models trip over is one photo's fault: it is named, and the next one is read."""

import io
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from matching import service
from matching.errors import PhotoRejected
from matching.faces import packs
from matching.faces.detect import THOROUGH, Scrfd
from matching.models import HarvestedImage
from matching.types import PhotoFault, Pixels
from tests.matching import builders

THIN = [(50_000, 64), (64, 50_000)]


def strip(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "grey").save(out, "PNG")
    return out.getvalue()


def saved(folder: Path, *sizes: tuple[int, int]) -> list[Path]:
    files = [folder / f"{width} by {height}.png" for width, height in sizes]
    for file, size in zip(files, sizes, strict=True):
        file.write_bytes(strip(*size))
    return files


class Watched:
    """In the place of the network: what it would see."""

    static_input_size = None

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []

    def forward(self, work: Pixels, threshold: float) -> tuple[list[NDArray[np.float64]], ...]:
        self.seen.append(work.shape)
        return [np.zeros((0, 1))], [np.zeros((0, 4))], [np.zeros((0, 5, 2))]

    def nms(self, rows: Pixels) -> list[int]:
        return []


@pytest.mark.parametrize("shape", [(2, 1600), (1600, 2), (24, 16_000), (16_000, 24), (1, 65_535), (1, 1)])
def test_a_detector_always_has_something_to_look_at(shape: tuple[int, int]) -> None:
    network = Watched()
    assert Scrfd(cv2, network, THOROUGH).detect(np.zeros((*shape, 3), np.uint8)) == []
    assert all(min(seen) >= 1 for seen in network.seen)


@pytest.mark.realfaces
@pytest.mark.usefixtures("small_pack")
@pytest.mark.parametrize("size", THIN)
def test_a_thin_selfie_shows_no_face(size: tuple[int, int]) -> None:
    with pytest.raises(PhotoRejected) as caught:
        service.read_selfie(strip(*size))
    assert caught.value.fault is PhotoFault.NO_FACE


@pytest.mark.realfaces
@pytest.mark.django_db
@pytest.mark.usefixtures("small_pack")
def test_a_harvest_takes_thin_photos_in(tmp_path: Path, astronaut: Path) -> None:
    files = saved(tmp_path, (16_000, 24), (24, 16_000), (65_535, 24))
    report = service.harvest([builders.entry(file) for file in (*files, astronaut)])
    assert (report.images, report.faces, report.skipped) == (4, 1, 0)


@pytest.fixture
def tripping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that fail on everything but squares."""

    def detect(pixels: Pixels) -> list[object]:
        if pixels.shape[0] != pixels.shape[1]:
            raise cv2.error("what was in the photo")
        return []

    engine = SimpleNamespace(detect=detect, faces=detect)
    monkeypatch.setattr(packs, "engine", lambda pack: engine)


@pytest.mark.usefixtures("tripping")
def test_who_sent_a_photo_that_the_models_trip_over_is_told_so(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(PhotoRejected) as caught:
        service.read_selfie(strip(200, 100))
    assert caught.value.fault is PhotoFault.UNEXAMINED
    assert "could not be examined" in caplog.text


@pytest.mark.django_db
@pytest.mark.usefixtures("tripping")
def test_a_harvest_names_such_a_photo_and_goes_on(tmp_path: Path) -> None:
    reasons: dict[str, str] = {}
    entries = [builders.entry(file) for file in saved(tmp_path, (200, 100), (100, 100))]
    report = service.harvest(entries, on_skipped=lambda name, why: reasons.update({Path(name).name: why}))
    assert (report.images, report.skipped) == (1, 1)
    assert reasons == {"200 by 100.png": "unexamined (error)"}
    assert HarvestedImage.objects.count() == 1
