"""`./manage.py` joins the portal that runs on this machine, or says in one sentence why it cannot."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from portal.demo import pictures
from portal.local import running, variables
from portal.local.stack import PROJECT, Stack

pytestmark = pytest.mark.enable_socket


def manage(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env={**variables.surroundings(), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.stack
def test_a_visitor_puts_a_photo_of_their_own_in(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    pictures.write(photos)
    folder = tmp_path / "var"
    stack = Stack(folder, demo=True, pictures=False)
    try:
        stack.start()
        done = manage("harvest", str(photos / pictures.SELFIE), STACK=str(folder))
        assert "needs" in done.stderr or done.returncode != 0  # a photo is no folder and no manifest
        done = manage("harvest", str(photos), STACK=str(folder))
        assert done.returncode == 0, done.stderr
        assert "images" in done.stdout
        assert (folder / running.FILE).stat().st_mode & 0o077 == 0
        stack.stop(patience=0.5)
        assert not (folder / running.FILE).exists()
        late = manage("harvest", str(photos), STACK=str(folder))
    finally:
        stack.destroy()
    assert late.returncode == 1
    assert late.stderr.strip() == f"No portal runs from {folder}: STACK names the folder of one that does."


def test_a_stack_that_was_killed_is_not_joined(tmp_path: Path) -> None:
    running.announce(tmp_path, {"DATABASE_URL": "postgresql://left.example/behind"})
    (tmp_path / "lock").touch()
    with pytest.raises(running.NoStack, match="No portal runs from"):
        running.environment(str(tmp_path))


def test_who_names_a_database_joins_nothing() -> None:
    done = manage("check", DATABASE_URL="postgresql://nobody@localhost:1/none")
    assert done.returncode == 1
    assert "SECRET_KEY is not set" in done.stderr


def test_without_the_environment_the_projects_own_python_is_used(tmp_path: Path) -> None:
    """Where no other Python has Django, `./manage.py` runs in the virtual environment, or says how to get one."""
    (tmp_path / "manage.py").write_bytes((PROJECT / "manage.py").read_bytes())
    done = subprocess.run(
        [sys.executable, "-S", "-E", "manage.py"],
        cwd=tmp_path,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.strip() == "The portal is not set up here yet: `make run` installs it and starts it."
