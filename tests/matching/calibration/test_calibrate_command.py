"""`manage.py calibrate`: measured with the chosen pack, kept where searches look, and nobody is named in it."""

import csv
import json
from dataclasses import replace
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from django.conf import Settings
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.stats import binom

from matching import service
from matching.blocklist import screening
from matching.calibration import bands, files
from matching.calibration.files import Measurement, calibration_from, fmr_upper_bound, held_out_report
from matching.calibration.pair_scores import PairScores, binned, labelled_faces, score_pairs
from matching.errors import PackError
from matching.faces import packs
from portal.core import clock
from tests.matching import builders
from tests.matching.conftest import set_matching
from tests.matching.people import faces_of, photo

pytestmark = pytest.mark.slow

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Path:
    set_matching(settings, CALIBRATIONS=str(folder := tmp_path / "own"))
    return folder


def calibration(*, per_person: int = 3, people: int = 40) -> tuple[bands.Calibration, PairScores]:
    found = [
        (photo(100 * person + nth, str(person)), row[np.newaxis])
        for person in range(people)
        for nth, row in enumerate(faces_of(person, per_person, likeness=0.95))
    ]
    measured = score_pairs(labelled_faces(found))
    source = Measurement("dlib", packs.chosen().recogniser_sha256, "Made up.", clock.today(), len(found))
    return calibration_from(source, measured), measured


def test_what_is_measured_on_photos_counts_from_the_next_search_on(
    own: Path, astronaut: Path, other_people: list[Path], tmp_path: Path
) -> None:
    (photos := tmp_path / "photos").mkdir()
    picture = Image.open(astronaut).convert("RGB")
    picture.save(photos / "one.png")
    picture.resize((300, 300)).save(photos / "two.jpg")
    Image.open(other_people[0]).convert("RGB").save(photos / "others.jpg")
    Image.new("RGB", (90, 90)).save(photos / "nobody.png")
    rows = [("one.png", "eileen"), ("two.jpg", "eileen"), ("others.jpg", "tom"), ("nobody.png", "")]
    with (table := tmp_path / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "identity"), *rows])
    shipped = bands.calibration_for(packs.chosen().recogniser_sha256)

    call_command("calibrate", table, photos=photos, stdout=StringIO(), stderr=(told := StringIO()))

    found = bands.calibration_for(packs.chosen().recogniser_sha256)
    assert found is not None
    assert found != shipped
    assert found.genuine_pairs == 1
    assert "line 5: no face found" in told.getvalue()
    for written in own.iterdir():
        content = written.read_text()
        assert not [name for name in ("eileen", "tom", "one.png", str(tmp_path)) if name in content]


def test_it_says_what_the_bands_do_to_people_kept_apart() -> None:
    rows = [
        (photo(10 * person + nth, str(person)), row[np.newaxis])
        for person in range(100)
        for nth, row in enumerate(faces_of(person, 3, likeness=0.95))
    ]
    found, apart = (score_pairs(labelled_faces(part)) for part in (rows[:240], rows[240:]))
    told = list(
        held_out_report(calibration_from(Measurement("dlib", "", "Made up.", clock.today(), 240), found), apart)
    )
    assert told[0].startswith("10 comparisons, certain from ")
    assert f" of {20 * 19 // 2} pairs of people were certain" in told[0]
    assert "of 60 genuine pairs 100.0% were certain, 100.0% certain or probable" in told[0]


def test_people_are_kept_apart_on_request(own: Path, astronaut: Path, other_people: list[Path], tmp_path: Path) -> None:
    picture = Image.open(astronaut).convert("RGB")
    other = Image.open(other_people[0]).convert("RGB")
    rows = []
    for nth, size in enumerate((512, 400, 300, 256)):
        for name, drawn in (("eileen", picture), ("tom", other)):
            drawn.resize((size, size)).save(tmp_path / f"{name}{nth}.png")
            rows.append((f"{name}{nth}.png", name, ""))
    with pytest.raises(CommandError, match="no two different people"):
        call_command("calibrate", labelled(tmp_path, *rows), hold_out=2, stdout=StringIO(), stderr=StringIO())
    assert not own.exists()


def test_photos_that_cannot_be_used_are_named_and_the_others_are_measured(
    own: Path, astronaut: Path, other_people: list[Path], tmp_path: Path
) -> None:
    picture = Image.open(astronaut).convert("RGB")
    picture.save(tmp_path / "one.png")
    picture.resize((300, 300)).save(tmp_path / "two.jpg")
    Image.open(other_people[0]).convert("RGB").save(tmp_path / "others.jpg")
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "circle.jpg").symlink_to(tmp_path / "circle.jpg")
    names = ["one.png", "broken.jpg", "folder.jpg", "circle.jpg", "gone.jpg", "two.jpg"]
    table = labelled(tmp_path, *((name, "eileen", "") for name in names), ("others.jpg", "tom", ""))
    with pytest.raises(CommandError, match="Not taken: 4 of the photos"):
        call_command("calibrate", table, stdout=StringIO(), stderr=(told := StringIO()))
    assert sorted(line.partition(":")[0] for line in told.getvalue().splitlines()) == [
        f"skipped line {line}" for line in (3, 4, 5, 6)
    ]
    assert next(bands.calibrations_in(own)).photos == 3
    assert not [name for name in (*names, "eileen") if name in told.getvalue()]


def test_a_fault_in_the_labels_is_one_sentence(own: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("photo\n")
    with pytest.raises(CommandError, match="lacks the columns file, identity"):
        call_command("calibrate", tmp_path / "labels.csv")
    assert not own.exists()


def labelled(folder: Path, *rows: tuple[str, ...]) -> Path:
    with (table := folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "identity", "group"), *rows])
    return table


@pytest.mark.parametrize("identities", [("eileen", "tom"), ("", "")])
def test_one_picture_of_two_people_is_named_and_the_others_are_measured(
    own: Path, astronaut: Path, other_people: list[Path], tmp_path: Path, identities: tuple[str, str]
) -> None:
    """Saved twice without loss: the files differ, the pictures do not."""
    picture = Image.open(astronaut).convert("RGB")
    picture.save(tmp_path / "one.png")
    picture.save(tmp_path / "again.bmp")
    picture.resize((300, 300)).save(tmp_path / "smaller.png")
    picture.resize((320, 320)).save(tmp_path / "small.png")
    Image.open(other_people[0]).convert("RGB").save(tmp_path / "others.jpg")
    table = labelled(
        tmp_path,
        *(("one.png", identities[0], "a"), ("again.bmp", identities[1], "b")),
        *(("smaller.png", "eileen", "a"), ("small.png", "eileen", "a"), ("others.jpg", "tom", "b")),
    )
    with pytest.raises(CommandError, match="Not taken: 2 of the photos"):
        call_command("calibrate", table, stdout=StringIO(), stderr=(told := StringIO()))
    assert "line 2: its picture is given to another person in line 3" in told.getvalue()
    assert "line 3: its picture is given to another person in line 2" in told.getvalue()
    (found,) = bands.calibrations_in(own)
    assert (found.genuine_pairs, found.photos) == (1, 3)


def test_a_face_that_is_twice_in_one_photo_is_refused(own: Path, astronaut: Path, tmp_path: Path) -> None:
    picture = Image.open(astronaut).convert("RGB")
    both = Image.new("RGB", (1024, 512))
    both.paste(picture, (0, 0))
    both.paste(picture, (512, 0))
    both.save(tmp_path / "both.png")
    picture.save(tmp_path / "one.png")
    Image.fromarray(builders.noise()).save(tmp_path / "nobody.png")
    table = labelled(tmp_path, ("both.png", "eileen", "a"), ("one.png", "eileen", "a"), ("nobody.png", "tom", "b"))
    with pytest.raises(CommandError, match="In too few of the photos"):
        call_command("calibrate", table, stdout=StringIO(), stderr=(told := StringIO()))
    assert "line 2: it has one face twice" in told.getvalue()


@pytest.mark.parametrize("similarity", [1.0, 1.0000002])
def test_such_a_calibration_breaks_no_search(similarity: float) -> None:
    """One from before it was refused: it lies where no other pair of people does, and is counted as a stranger."""
    good, measured = calibration()
    twins = replace(measured, people_pairs=measured.people_pairs + binned(np.array([similarity], np.float32)))
    source = Measurement("dlib", good.recogniser_sha256, "Made up.", clock.today(), good.photos)
    found = calibration_from(source, twins)
    assert all(point.false_matches for point in found.points)
    limits = bands.thresholds(found, pack="dlib", index_size=10**9, probes=1)
    assert limits.certain is None
    assert limits.probable == bands.thresholds(good, pack="dlib", index_size=10**9, probes=1).probable
    assert screening.block_threshold(found, templates=10**9) == screening.block_threshold(good, templates=10**9)


@pytest.mark.django_db
def test_the_newest_of_the_operators_own_goes_before_the_shipped(own: Path) -> None:
    found, measured = calibration()
    files.write(own / "mine.json", found, measured)
    assert service.thresholds(1).basis.startswith(f"Measured on {found.people_pairs:,} pairs")
    newer = {**json.loads((own / "mine.json").read_text()), "measured_on": "2999-01-01", "people_pairs": 1}
    (own / "a.json").write_text(json.dumps(newer))
    assert service.thresholds(1).basis.startswith("Measured on 1 pairs")


def test_a_calibration_that_was_written_with_former_field_names_is_read(own: Path) -> None:
    found, measured = calibration()
    files.write(own / "mine.json", found, measured)
    content = json.loads((own / "mine.json").read_text())
    content["how"] = content.pop("method")
    (own / "mine.json").write_text(json.dumps(content))
    assert list(bands.calibrations_in(own)) == [found]


def test_a_broken_calibration_is_named_and_refused(own: Path) -> None:
    own.mkdir()
    (own / "mine.json").write_text('{"pack": "dlib"')
    with pytest.raises(PackError, match=r"The calibration mine\.json cannot be read"):
        bands.calibration_for(packs.chosen().recogniser_sha256)


def test_what_is_written_reads_back_the_same(own: Path) -> None:
    found, measured = calibration()
    files.write(own / "mine.json", found, measured)
    assert list(bands.calibrations_in(own)) == [found]


def test_each_plot_speaks_for_itself_and_stands_beside_its_table(own: Path) -> None:
    found, measured = calibration()
    written = files.write(own / "mine.json", found, measured)
    report = (own / "mine.md").read_text()
    for path in written[2:]:
        root = ElementTree.parse(path).getroot()
        named = {root.findtext(f"{SVG}title"), root.findtext(f"{SVG}desc")}
        assert all(named)
        assert root.get("role") == "img"
        assert f"]({path.name})" in report
        assert {"script", "style"}.isdisjoint(element.tag.removeprefix(SVG) for element in root.iter())
    rows = report.split("## Similarity of genuine")[1].split("##")[0].splitlines()
    shares = [float(row.split("|")[2].strip(" %")) for row in rows if row.endswith("% |") and "pairs" not in row]
    assert sum(shares) == pytest.approx(100, abs=0.5)


def test_more_people_support_a_larger_index_and_more_photos_of_them_do_not() -> None:
    few, many = calibration(people=20)[0], calibration(people=60)[0]
    assert many.largest_supported_comparisons > 8 * few.largest_supported_comparisons
    assert calibration(people=20, per_person=6)[0].largest_supported_comparisons == few.largest_supported_comparisons


@settings(deadline=None)
@given(seen=st.integers(0, 200), pairs=st.integers(200, 10**6))
def test_the_bound_is_clopper_and_pearsons(seen: int, pairs: int) -> None:
    """At the bound, so few or fewer would be seen in at most one of twenty such measurements."""
    bound = fmr_upper_bound(seen, pairs)
    assert binom.cdf(seen, pairs, bound) <= 0.05 or bound == 1
    assert bound == 1 or binom.cdf(seen, pairs, bound * 0.98) > 0.05


def test_where_nothing_was_seen_it_is_the_rule_of_three() -> None:
    assert fmr_upper_bound(0, 10_000) == pytest.approx(3 / 10_000, rel=0.01)


def test_faces_of_no_use_leave_no_file(own: Path, tmp_path: Path) -> None:
    for nth in range(3):
        Image.fromarray(builders.noise(seed=nth)).save(tmp_path / f"{nth}.png")
    (tmp_path / "labels.csv").write_text("file,identity\n0.png,a\n1.png,a\n2.png,b\n")
    with pytest.raises(CommandError, match="In none of the photos a face was found"):
        call_command("calibrate", tmp_path / "labels.csv", stdout=StringIO(), stderr=StringIO())
    assert not own.exists()
