"""`make bench` at a tiny scale: a part is measured, written down and counted, and an absent folder is said."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import bench.__main__ as runner
from bench.rows import Row, alone, beside, median

PROJECT = Path(__file__).resolve().parents[2]


def bench(*arguments: str) -> str:
    command = [sys.executable, "-m", "bench", *arguments]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_part_is_measured_and_written_down(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    out = bench("--only", "ready", "--scale", "2000", "--results", str(results))
    assert out.splitlines()[-1] in ("targets met 0 of 1", "targets met 1 of 1")
    part = json.loads(results.read_text())["parts"]["ready"]
    assert {"processor", "cores", "numpy"} <= part["machine"].keys()
    (row,) = (Row(**each) for each in part["rows"])
    assert row.value > 0
    assert row.ratio == pytest.approx(row.value / (row.peer_value or 0))
    table = bench("--tables", "--results", str(results))
    assert "| ready embeddings |" in table


def test_the_page_of_measurements_is_made_of_the_last_results() -> None:
    assert bench("--tables").strip() in (PROJECT / "docs" / "measurements.md").read_text(encoding="utf-8")


def test_every_rate_comes_with_its_sample() -> None:
    parts = json.loads(runner.RESULTS.read_text(encoding="utf-8"))["parts"]
    rates = [
        row for part in parts.values() for row in part["rows"] if row["unit"] in ("%", "share of photos", "a case")
    ]
    assert len(rates) > 50
    assert [row["name"] for row in rates if not any(letter.isdigit() for letter in row["note"])] == []


def test_what_needs_the_shared_folder_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(runner, "SHARED", tmp_path / "absent")
    outcome = runner.in_a_process("pad", 1000)
    assert outcome.rows == []
    assert outcome.left_out.startswith("left out")


def test_other_parts_keep_their_last_figures(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    first, second = (runner.Outcome([alone(name, 1, "s")], 1.0) for name in ("one", "two"))
    runner.write(results, {"ready": first, "pad": first})
    runner.write(results, {"ready": second})
    kept: dict[str, Any] = json.loads(results.read_text())["parts"]
    assert [part["rows"][0]["name"] for part in kept.values()] == ["two", "one"]


def test_the_last_line_counts_promises_alone() -> None:
    rows = [
        alone("kept", 2, "s", at_most=3),
        alone("broken", 4, "s", at_most=3),
        alone("between", 2, "s", at_least=1, at_most=3),
        alone("no promise", 5, "s"),
        beside("faster", 10, "1/s", peer="theirs", peer_value=4, at_least=2),
        beside("slower", 10, "s", peer="theirs", peer_value=4, at_least=2, less_is_better=True),
    ]
    assert runner.last_line({"ready": runner.Outcome(rows, 1.0)}) == "targets met 3 of 5"


def test_a_median_of_few_is_none() -> None:
    with pytest.raises(ValueError, match="too few"):
        median([1.0, 2.0, 3.0, 4.0])
    assert median([5.0, 1.0, 2.0, 4.0, 3.0]) == 3.0
