"""`make demo`: what is expected of it, what it refuses, and one whole run against a stack of its own."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from matching import service
from matching.calibration.bands import thresholds
from matching.search import exact_search
from portal.demo import __main__ as demo
from portal.demo.tally import Match, Tally
from tests.builders import astronaut_jpeg

PROJECT = Path(__file__).resolve().parents[2]
OWN = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_REGULATOR_URL", "DJANGO_SETTINGS_MODULE")
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(**options: str) -> "subprocess.CompletedProcess[str]":
        environment = {name: value for name, value in os.environ.items() if name not in OWN}
        return subprocess.run(
            [sys.executable, "-m", "portal.demo"],
            env=environment | options,
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return run


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Ana in two photos and a selfie, Bo in one; nothing here is opened."""
    for name in ("ana/1.jpg", "ana/2.png", "ana/selfie.jpg", "bo/1.jpg", "notes.txt"):
        file = tmp_path / "faces" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"photo")
    return tmp_path / "faces"


def test_without_labels_the_selfies_own_folder_is_expected(faces: Path, tmp_path: Path) -> None:
    plan = demo.plan({"FACES": str(faces), "SELFIE": str(faces / "ana/selfie.jpg")}, tmp_path)
    assert plan.names == ("ana/1.jpg", "ana/2.png", "bo/1.jpg")
    assert plan.expected == ("ana/1.jpg", "ana/2.png")
    assert plan.strangers == ("bo/1.jpg",)


def test_a_selfie_from_elsewhere_expects_nothing_in_particular(faces: Path, tmp_path: Path) -> None:
    selfie = tmp_path / "selfie.jpg"
    selfie.write_bytes(b"photo")
    plan = demo.plan({"FACES": str(faces), "SELFIE": str(selfie)}, tmp_path)
    assert plan.expected is None
    assert "ana/selfie.jpg" in plan.names


def test_labels_say_which_photos_show_the_selfies_identity(faces: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    with labels.open("w", newline="") as file:
        csv.writer(file).writerows(
            [
                ["file", "identity"],
                ["ana/selfie.jpg", "Ana"],
                ["ana/1.jpg", "Ana"],
                ["bo/1.jpg", "Ana"],
                ["ana/2.png", ""],
            ]
        )
    options = {"FACES": str(faces), "SELFIE": "ana/selfie.jpg", "LABELS": str(labels)}
    plan = demo.plan(options, tmp_path)
    assert plan.expected == ("ana/1.jpg", "bo/1.jpg")
    assert plan.strangers == ()


def test_a_photo_with_another_label_is_of_a_stranger_and_one_without_a_label_is_of_nobody_known(
    faces: Path, tmp_path: Path
) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("file,identity\nana/selfie.jpg,Ana\nana/1.jpg,Ana\nbo/1.jpg,Bo\nana/2.png,\n")
    plan = demo.plan({"FACES": str(faces), "SELFIE": "ana/selfie.jpg", "LABELS": str(labels)}, tmp_path)
    assert plan.expected == ("ana/1.jpg",)
    assert plan.strangers == ("bo/1.jpg",)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"FACES": "nowhere"}, "There is no folder nowhere"),
        ({"FACES": "."}, "SELFIE=FILE is missing"),
        ({"FACES": ".", "SELFIE": "nobody.jpg"}, "There is no file nobody.jpg"),
        ({"SELFIE": "me.jpg"}, "belong to a folder"),
        ({"DATABASE_URL": "postgresql://a@127.0.0.1/real"}, "DATABASE_URL is set"),
    ],
)
def test_what_it_cannot_do_is_said_in_one_sentence(run: Run, options: dict[str, str], sentence: str) -> None:
    ended = run(**options)
    assert ended.returncode == 1
    assert sentence in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


@pytest.mark.stack
def test_it_finds_deletes_and_reads_back_every_photo_of_the_subject(run: Run, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    ended = run(JSON=str(report))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    last = ended.stdout.strip().splitlines()[-1]
    assert last.startswith("found 6 of 6 · deleted 6 · left 0 · ")
    told = json.loads(report.read_text())
    assert len(told["expected"]) == 6
    assert set(told["expected"]) == set(told["deleted"])
    assert {match["band"] for match in told["matched"]} == {"certain"}
    assert told["bands"]["certain"] == {"matched": 6, "deleted": 6, "left": 0, "kept": 0, "waiting": 0}


@pytest.fixture
def some_probable(tmp_path: Path) -> Path:
    """Ana in one photo that is certain and one that is probable; Bo in one that is probable and one unlike her."""
    folder = tmp_path / "photos"
    folder.mkdir()
    bo = insightface_photo("Tom_Hanks_54745.png")
    bo.save(folder / "bo.png")
    (folder / "selfie.jpg").write_bytes(astronaut_jpeg())
    (folder / "certain.jpg").write_bytes(astronaut_jpeg(size=300))
    measured = exact_search.calibration()
    assert measured is not None
    limits = thresholds(measured, pack="dlib", index_size=4, probes=1)
    assert limits.certain is not None
    for name, share in (("probable.jpg", 0.7), ("alike.jpg", 0.3)):
        wanted = limits.probable + share * (limits.certain - limits.probable)
        (folder / name).write_bytes(mixed(bo, similarity=wanted))
    labels = "selfie.jpg,Ana\ncertain.jpg,Ana\nprobable.jpg,Ana\nalike.jpg,Bo\nbo.png,Bo\n"
    (folder / "labels.csv").write_text(f"file,identity\n{labels}")
    return folder


def mixed(other: Image.Image, *, similarity: float) -> bytes:
    """The astronaut with so much of another face drawn over hers that the two photos are about as similar as this."""
    own = Image.open(BytesIO(astronaut_jpeg()))
    (probe,) = service.read_selfie(astronaut_jpeg()).probes
    face = (184, 84, 274, 174)
    over = other.crop((6, 27, 99, 120)).resize((face[2] - face[0], face[3] - face[1]))
    least, most = 0.0, 0.6
    for _halving in range(8):
        much = (least + most) / 2
        drawn, file = own.copy(), BytesIO()
        drawn.paste(Image.blend(own.crop(face), over, much), face[:2])
        drawn.save(file, "JPEG", quality=95)
        (row,) = service.read_selfie(file.getvalue()).probes
        least, most = (much, most) if float(row @ probe) > similarity else (least, much)
    return file.getvalue()


def insightface_photo(name: str) -> Image.Image:
    content = files("insightface.data").joinpath("images", name).read_bytes()
    return Image.open(BytesIO(content)).convert("RGB")


@pytest.mark.stack
@pytest.mark.django_db
def test_two_of_staff_delete_what_is_probable_and_hers_and_leave_a_stranger(
    run: Run, some_probable: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    labels = str(some_probable / "labels.csv")
    ended = run(FACES=str(some_probable), SELFIE="selfie.jpg", LABELS=labels, JSON=str(report))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.strip().splitlines()[-1].startswith("found 2 of 2 · deleted 2 · left 0 · ")
    told = json.loads(report.read_text())
    assert told["deleted"] == [str(some_probable / name) for name in ("certain.jpg", "probable.jpg")]
    assert told["kept"] == [str(some_probable / "alike.jpg")]
    assert told["bands"] == {
        "certain": {"matched": 1, "deleted": 1, "left": 0, "kept": 0, "waiting": 0},
        "probable": {"matched": 2, "deleted": 1, "left": 0, "kept": 1, "waiting": 0},
    }


@pytest.mark.stack
@pytest.mark.django_db
def test_without_labels_what_is_probable_waits_for_two_people(run: Run, some_probable: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    ended = run(FACES=str(some_probable), SELFIE="selfie.jpg", JSON=str(report))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    last = ended.stdout.strip().splitlines()[-1]
    assert last.startswith("found 3 of ? · deleted 1 · left 0 · ")
    assert last.endswith(" s · 2 wait for two people")
    told = json.loads(report.read_text())
    assert told["waiting"] == [str(some_probable / name) for name in ("alike.jpg", "probable.jpg")]
    assert told["bands"]["probable"] == {"matched": 2, "deleted": 0, "left": 0, "kept": 0, "waiting": 2}


def test_it_fails_when_a_stranger_was_deleted() -> None:
    tally = Tally(frozenset({"ana.jpg"}), strangers=frozenset({"bo.jpg"}))
    for number, name in enumerate(("ana.jpg", "bo.jpg")):
        tally.matches[name] = Match(name, number, name, band="certain", similarity=0.99, people=1)
    assert not tally.is_as_expected()
    assert tally.mistaken() == ["bo.jpg"]
    tally.still_there, tally.kept = {"bo.jpg"}, {"bo.jpg"}
    assert tally.is_as_expected()


@pytest.mark.stack
def test_it_fails_when_an_expected_photo_is_not_found(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "faces" / "ana"
    folder.mkdir(parents=True)
    (folder / "selfie.jpg").write_bytes(astronaut_jpeg())
    (folder / "smaller.jpg").write_bytes(astronaut_jpeg(size=300))
    (folder / "unreadable.jpg").write_bytes(b"not a photo")
    Image.new("RGB", (300, 300), "grey").save(folder / "no-face.jpg")
    report = tmp_path / "report.json"
    ended = run(FACES=str(tmp_path / "faces"), SELFIE=str(folder / "selfie.jpg"), JSON=str(report))
    assert ended.returncode == 1
    assert "found 1 of 3 · deleted 1 · left 1" in ended.stdout
    assert json.loads(report.read_text())["left"] == [str(folder / "no-face.jpg")]


def test_while_it_waits_it_starts_again_what_ended() -> None:
    mended: list[str] = []
    demo.Patience(lambda: mended.append("worker"), "nothing happened").wait("searching")
    assert mended == ["worker"]
