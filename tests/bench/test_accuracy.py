"""The benchmark of accuracy plays cases by the product's own rules."""

from pathlib import Path

import pytest

from bench import accuracy, shared_photos
from bench.accuracy import Ways
from matching import calibrate, packs


@pytest.mark.realfaces
def test_a_stricter_band_finds_less_and_several_selfies_win_it_back(shared: Path) -> None:
    photos = [photo for photo in shared_photos.photos(shared / "faces") if photo.group == "lfw"]
    pack = packs.named(str(shared / "models" / "buffalo_sc"), packs.folder())
    calibration = calibrate.for_recogniser(pack.recogniser_sha256)
    assert calibration is not None
    seen = list(accuracy.read_all(photos, pack))
    assert all(len(one.mirrored) == len(one.rows) for one in seen)
    gallery = accuracy.gathered(seen, calibration)
    few, many, selfies, everything = (
        accuracy.played(gallery, way, size)
        for way, size in (
            (Ways(), len(gallery)),
            (Ways(), accuracy.LARGE),
            (Ways(selfies=accuracy.SELFIES), accuracy.LARGE),
            (Ways(selfies=accuracy.SELFIES, mirrored=True, expanded=True), accuracy.LARGE),
        )
    )
    assert 0 < many.recall <= few.recall <= 1
    assert many.recall <= selfies.recall <= everything.recall
    assert few.wrong == many.wrong == everything.wrong == 0
