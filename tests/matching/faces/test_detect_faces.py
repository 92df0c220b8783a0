"""Where detectors go wrong: pictures without a face, groups, faces that lie on their side."""

from pathlib import Path

import pytest

from matching.decoding.limits import HARVEST
from matching.errors import PhotoRejected
from matching.faces import packs
from matching.photos import images
from matching.types import Pixels
from tests.matching.conftest import set_matching

pytestmark = pytest.mark.realfaces


def read(file: Path) -> Pixels:
    return images.decode(file.read_bytes(), HARVEST)


def test_dlib_sees_no_face_where_there_is_none(shared: Path) -> None:
    engine = packs.engine(packs.chosen())
    seen = {file.name: engine.detector.detect(read(file)) for file in (shared / "faces" / "negatives").iterdir()}
    assert [name for name, faces in seen.items() if faces] == []


@pytest.mark.parametrize(("name", "faces"), [("010_2", 2), ("012_4", 4), ("014_5", 5), ("015_6", 6)])
def test_dlib_sees_everyone_in_a_group(shared: Path, name: str, faces: int) -> None:
    photo = read(shared / "faces" / "compreface" / f"{name}.jpg")
    assert len(packs.engine(packs.chosen()).detector.detect(photo)) == faces


@pytest.mark.parametrize("pack", ["dlib", "buffalo_sc"])
def test_a_lying_face_is_the_same_face(shared: Path, settings: object, pack: str) -> None:
    set_matching(settings, PACK=pack if pack == "dlib" else str(shared / "models" / pack))
    engine = packs.engine(packs.chosen())
    turned = [read(shared / "faces" / "insightface" / f"rotate__rot_{angle}.jpg") for angle in (0, 90, 180, 270)]
    upright, *others = (engine.faces(pixels)[0].embedding for pixels in turned)
    assert min(float(upright @ other) for other in others) > 0.95


def test_photos_of_a_robustness_set_are_read_or_turned_away(shared: Path) -> None:
    broken = {"corrupted.png", "empty.png", "truncated.jpg"}
    for file in (shared / "faces" / "robustness").iterdir():
        if file.name in broken:
            with pytest.raises(PhotoRejected):
                read(file)
        else:
            assert read(file).shape[2] == 3
