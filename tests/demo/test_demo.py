"""`make demo`: what is expected of it, what it refuses, and one whole run against a stack of its own."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from portal.demo import __main__ as demo
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
    assert demo.plan(options, tmp_path).expected == ("ana/1.jpg", "bo/1.jpg")


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
