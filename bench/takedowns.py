"""Complete takedowns a second: opened, hidden, removed from each local store, read back and recorded."""

import json
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from uuid import UUID

from bench import stage
from bench.rows import Row, alone, median

ROUNDS = 5
IMAGES = 3000  # a round
REMOVAL = 500  # images
PATIENCE = 300.0  # seconds a round
PROJECT = Path(__file__).resolve().parent.parent


def measure() -> list[Row]:
    """In a process of its own, since it works on a database of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.takedowns"], cwd=PROJECT, stdout=subprocess.PIPE, check=True, text=True
    )
    return [Row(**row) for row in json.loads(done.stdout.splitlines()[-1])]


def rounds(images: int = IMAGES) -> list[float]:
    """Takedowns a second of each round, from the first decision to the last read back."""
    from portal.takedowns.models import Step, Takedown  # noqa: PLC0415  (the settings exist only now)

    rates = []
    for _ in range(ROUNDS):
        ids = stage.populate(images)
        begun = time.monotonic()
        _open(ids)
        _wait()
        rates.append(images / (time.monotonic() - begun))
    expected = ROUNDS * images
    assert Takedown.objects.filter(state__in=("removed", "purged")).count() == expected
    assert Step.objects.filter(state="verified").count() == expected * 3
    return rates


def _open(ids: list[UUID]) -> None:
    from uuid import uuid4  # noqa: PLC0415

    from portal.takedowns.removals import open_removal  # noqa: PLC0415

    for start in range(0, len(ids), REMOVAL):
        open_removal(uuid4(), ids[start : start + REMOVAL], then="case.close", at_last="case.close")


def _wait() -> None:
    from portal.takedowns.models import Removal  # noqa: PLC0415

    deadline = time.monotonic() + PATIENCE
    while Removal.objects.exclude(state__in=("removed", "purged")).exists():
        if time.monotonic() > deadline:
            raise TimeoutError("The takedowns did not end.")
        time.sleep(0.05)


def main() -> None:
    # Purging rewrites tables a day later, and not while this measures.
    with stage.portal({"PURGE_SECONDS": "86400"}):
        rates = rounds()
    note = f"{IMAGES} images with {stage.FACES} faces each a round, removals of {REMOVAL}, two workers"
    rows = [alone("complete takedowns", median(rates), "1/s", at_least=200.0, note=note)]
    sys.stdout.write(json.dumps([asdict(row) for row in rows]) + "\n")


if __name__ == "__main__":
    main()
