"""The benchmark of accuracy plays cases by the product's own rules."""

from pathlib import Path

import pytest

from bench import accuracy, read_faces, shared_photos
from bench.accuracy import Ways
from matching.calibration import pair_scores
from matching.faces import packs


@pytest.mark.realfaces
def test_a_stricter_band_finds_less_and_several_selfies_win_it_back(shared: Path) -> None:
    photos = [photo for photo in shared_photos.photos(shared / "faces") if photo.group == "lfw"]
    pack = packs.named(str(shared / "models" / "buffalo_sc"), packs.folder())
    seen = list(read_faces.read_all(photos, pack))
    assert all(len(one.mirrored) == len(one.rows) for one in seen)
    gallery = accuracy.gathered(seen, pack)
    few, many, selfies, everything = (
        accuracy.played(gallery, way, size)
        for way, size in (
            (Ways(), accuracy.SMALL),
            (Ways(), accuracy.LARGE),
            (Ways(selfies=accuracy.SELFIES), accuracy.LARGE),
            (Ways(selfies=accuracy.SELFIES, mirrored=True, expanded=True), accuracy.LARGE),
        )
    )
    assert 0 < many.recall <= few.recall <= 1
    assert many.recall <= selfies.recall <= everything.recall
    assert many.certain == 0  # a hundred thousand comparisons are more than these photos can vouch for
    assert few.impostors > 200


@pytest.mark.realfaces
def test_a_case_is_judged_by_a_calibration_that_never_saw_its_person(shared: Path) -> None:
    photos = [photo for photo in shared_photos.photos(shared / "faces") if photo.group == "lfw"]
    pack = packs.named(str(shared / "models" / "buffalo_sc"), packs.folder())
    seen = list(read_faces.read_all(photos, pack))
    gallery = accuracy.gathered(seen, pack)
    assert gallery.calibrations
    everybody = pair_scores.labelled_faces([(one.photo, one.rows) for one in seen])
    for name, calibration in gallery.calibrations.items():
        of_theirs = sum(len(one.rows) for one in seen if one.photo.identity == name)
        assert calibration.faces == len(everybody) - of_theirs
