"""What is shipped is what the command measures on the photos beside the project, and names nobody."""

import csv
import hashlib
import json
from io import StringIO
from itertools import groupby
from pathlib import Path

import pytest
from django.core.management import call_command

from bench import shared_photos
from matching.calibration import bands, labels

EXCLUDED = bands.SHIPPED / "excluded.csv"


@pytest.mark.parametrize("path", sorted(bands.SHIPPED.glob("*.json")), ids=lambda path: path.stem)
def test_each_says_how_it_was_obtained(path: Path) -> None:
    content = json.loads(path.read_text())
    assert "Public test sets" in content["method"]
    assert "must not be used to conclude that an algorithm is fit for a commercial purpose" in content["method"]
    assert {file.name for file in bands.SHIPPED.glob(f"{path.stem}*")} == {
        path.name,
        f"{path.stem}.md",
        f"{path.stem}-det.svg",
        f"{path.stem}-distributions.svg",
    }


@pytest.mark.realfaces
def test_none_names_a_photo_or_a_person(shared: Path) -> None:
    photos = [*shared_photos.photos(shared / "faces"), *shared_photos.people(shared / "faces" / "people")]
    names = {photo.identity.split(":")[-1] for photo in photos} | {photo.file.stem for photo in photos}
    names |= {name.replace("_", " ") for name in names}
    for path in bands.SHIPPED.iterdir():
        content = path.read_text()
        assert not [name for name in names if len(name) > 3 and name in content]


@pytest.mark.realfaces
def test_each_photo_that_was_left_out_is_there_and_the_reason_is_given(shared: Path) -> None:
    photos = shared_photos.people(shared / "faces" / "people")
    digests = {hashlib.sha256(photo.file.read_bytes()).hexdigest() for photo in photos}
    assert labels.excluded(EXCLUDED, lambda fault: pytest.fail(str(fault))) <= digests
    with EXCLUDED.open(newline="", encoding="utf-8") as file:
        assert all(row["reason"].endswith(".") for row in csv.DictReader(file))


@pytest.mark.realfaces
@pytest.mark.usefixtures("small_pack")
def test_the_command_measures_the_same_again(shared: Path, tmp_path: Path) -> None:
    """On some of the people: so many pairs of people are as alike, and so many photos of one person."""
    folder = shared / "faces" / "people"
    everybody = [list(group) for _name, group in groupby(shared_photos.people(folder), lambda each: each.identity)]
    some = [group for group in everybody if group[0].set == "lfw"][::50]
    rows = [f"{photo.file},{photo.identity},{photo.group},{photo.set}" for photos in some for photo in photos]
    (table := tmp_path / "labels.csv").write_text("\n".join(["file,identity,group,set", *rows]))
    out = StringIO()
    call_command("calibrate", table, exclude=EXCLUDED, out=tmp_path / "again.json", stdout=out, stderr=StringIO())
    (again,) = bands.calibrations_in(tmp_path)
    shipped = bands.calibration_for(again.recogniser_sha256)
    assert shipped is not None
    assert again.largest_supported_comparisons < shipped.largest_supported_comparisons
    measured = {point.similarity: point.false_matches / again.people_pairs for point in again.points}
    for point in shipped.points:
        if point.similarity in measured:
            assert measured[point.similarity] == pytest.approx(point.false_matches / shipped.people_pairs, abs=0.1)
    certain = bands.threshold_for(
        shipped, comparisons=1_000, expected_false_positives=bands.EXPECTED_FALSE_POSITIVES_CERTAIN
    )
    assert certain is not None
    assert bands.fnmr_at(again, certain) == pytest.approx(bands.fnmr_at(shipped, certain), abs=0.06)
