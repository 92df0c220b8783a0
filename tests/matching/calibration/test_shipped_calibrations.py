"""What is shipped is what the command measures on the photos beside the project, and names nobody."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from bench import shared_photos
from matching.calibration import bands


@pytest.mark.parametrize("path", sorted(bands.SHIPPED.glob("*.json")), ids=lambda path: path.stem)
def test_each_says_how_it_was_obtained(path: Path) -> None:
    content = json.loads(path.read_text())
    assert "Public test sets" in content["method"]
    assert {file.name for file in bands.SHIPPED.glob(f"{path.stem}*")} == {
        path.name,
        f"{path.stem}.md",
        f"{path.stem}-det.svg",
        f"{path.stem}-distributions.svg",
    }


@pytest.mark.realfaces
def test_none_names_a_photo_or_a_person(shared: Path) -> None:
    photos = list(shared_photos.photos(shared / "faces"))
    names = {photo.identity.split(":")[-1] for photo in photos} | {photo.file.stem for photo in photos}
    for path in bands.SHIPPED.iterdir():
        assert not [name for name in names if len(name) > 3 and name in path.read_text()]


@pytest.mark.realfaces
@pytest.mark.usefixtures("small_pack")
def test_the_command_measures_the_same_again(shared: Path, tmp_path: Path) -> None:
    """On the photos of a dozen labelled people, and the shipped calibration lies within what these can say."""
    photos = [photo for photo in shared_photos.photos(shared / "faces") if photo.group in {"openface", "lfw"}]
    rows = [f"{photo.file},{photo.identity},{photo.group}" for photo in photos]
    (table := tmp_path / "labels.csv").write_text("\n".join(["file,identity,group", *rows]))
    call_command("calibrate", table, out=tmp_path / "again.json", stdout=StringIO(), stderr=StringIO())
    (again,) = bands.calibrations_in(tmp_path)
    shipped = bands.calibration_for(again.recogniser_sha256)
    assert shipped is not None
    assert again.genuine_pairs < shipped.genuine_pairs
    assert again.largest_supported_comparisons < shipped.largest_supported_comparisons
    for point in again.points:
        assert point.fmr_upper_bound >= bands.fmr_upper_bound_at(shipped, point.similarity) / 20
