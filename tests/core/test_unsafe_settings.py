"""A portal that others could misuse refuses to start, and says why in one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from portal.local.stack import Stack, StackError

PROJECT = Path(__file__).resolve().parents[2]
SHORT = "x" * 31
UNSAFE = [
    ({"DEMO": "1", "SITE_URL": "https://portal.example"}, "DEMO is on and SITE_URL is https"),
    ({"DEMO": "0", "DEBUG": "1", "SITE_URL": "https://portal.example"}, "DEBUG is on and SITE_URL is https"),
    ({"SECRET_KEY": SHORT}, "SECRET_KEY is too short"),
]
PARTS = {
    "web": ["-c", "import portal.wsgi"],
    "worker": ["-m", "celery", "-A", "portal.celery", "worker", "--pool=solo"],
    "beat": ["-m", "celery", "-A", "portal.celery", "beat", "--pidfile="],  # its schedule is a file of its folder
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "changed", "said"),
    [*(("web", *unsafe) for unsafe in UNSAFE), ("worker", *UNSAFE[0]), ("beat", *UNSAFE[2])],
)
def test_no_part_starts(part: str, changed: dict[str, str], said: str, tmp_path: Path) -> None:
    started = subprocess.run(
        [sys.executable, *PARTS[part]],
        env={**os.environ, **changed, "PYTHONPATH": str(PROJECT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert started.returncode != 0
    assert said in started.stderr


@pytest.mark.parametrize(("changed", "said"), [UNSAFE[0], UNSAFE[2]])
def test_the_supervisor_says_so_before_anything_is_made(tmp_path: Path, changed: dict[str, str], said: str) -> None:
    with pytest.raises(StackError, match=said):
        Stack(tmp_path / "var", demo=True, env=changed).start()
    assert not (tmp_path / "var" / "postgresql").exists()
