"""Which stacks run on this machine, so that `manage.py` can join one without its environment being copied by hand.

A stack leaves its variables in a file that only its owner can read, beside the lock that it holds while it runs.
"""

import fcntl
import json
from collections.abc import Mapping
from pathlib import Path

from portal.local import variables

PROJECT = Path(__file__).resolve().parents[2]
FILE = "stack.json"


class NoStack(Exception):
    """There is not exactly one stack to join; the message is a sentence that says what to do."""


def announce(folder: Path, environment: Mapping[str, str]) -> None:
    """Called by a stack once it has its whole environment."""
    variables.write_private(folder / FILE, json.dumps(variables.chosen(environment)))


def withdraw(folder: Path) -> None:
    (folder / FILE).unlink(missing_ok=True)


def environment(chosen: str = "") -> dict[str, str]:
    """The variables of the stack in the folder `chosen`, or of the only one that runs from `var/`. Errors: NoStack."""
    if chosen:
        folder = Path(chosen).absolute()
        if not _runs(folder):
            raise NoStack(f"No portal runs from {chosen}: STACK names the folder of one that does.")
        return _read(folder)
    running = [folder for folder in _usual_folders() if _runs(folder)]
    if not running:
        raise NoStack(
            "No portal runs here. Start it with `make run` and try again in another terminal; or, for an installation"
            " of your own, set DATABASE_URL and the other variables that .env.example names."
        )
    if len(running) > 1:
        names = " or ".join(f"STACK={folder.relative_to(PROJECT)}" for folder in running)
        raise NoStack(f"More than one portal runs here: choose it with {names}.")
    return _read(running[0])


def _usual_folders() -> list[Path]:
    """Where `make run` keeps its data: `var/`, and a folder below it for each further pack of the demo."""
    var = PROJECT / "var"
    return [var, *sorted(var.glob("demo-*"))]


def _runs(folder: Path) -> bool:
    """Whether somebody holds the folder's lock; a stack that was killed leaves its file and holds none."""
    lock = folder / "lock"
    if not (folder / FILE).exists() or not lock.exists():
        return False
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _read(folder: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except PermissionError:
        raise NoStack(f"The portal in {folder} belongs to another account: run this command as that one.") from None
    return found
