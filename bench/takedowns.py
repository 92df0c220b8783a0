"""Takedowns a second on a whole stack, and how long its pages take meanwhile.

Complete means: recorded as an order and confirmed, opened, hidden, removed from each local store, read back, and all
of it in the trail. Two workers, one database and the web server share the machine with the visitor who measures.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from statistics import quantiles
from threading import Event, Thread
from uuid import UUID, uuid4

import requests

from bench import stage
from bench.rows import Row, alone, beside, median

ROUNDS = 5
IMAGES = 3000  # a round
PATIENCE = 3600.0  # seconds a round
VISITS = 200
PROJECT = Path(__file__).resolve().parent.parent


def measure() -> list[Row]:
    """In a process of its own, since it works on a database of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.takedowns"], cwd=PROJECT, stdout=subprocess.PIPE, check=True, text=True
    )
    return [Row(**row) for row in json.loads(done.stdout.splitlines()[-1])]


class Visitor(Thread):
    """Opens the start page and a status that asks the database, one after the other."""

    def __init__(self, url: str) -> None:
        super().__init__(name="visitor")
        self.pages = (f"{url}/en/", f"{url}/healthz")
        self.ended = Event()
        self.seconds: list[float] = []

    def run(self) -> None:
        with requests.Session() as session:
            while not self.ended.wait(0.02):
                self.visit(session)

    def visit(self, session: requests.Session) -> None:
        for page in self.pages:
            begun = time.monotonic()
            session.get(page, timeout=60).raise_for_status()
            self.seconds.append(time.monotonic() - begun)

    def stop(self) -> float:
        self.ended.set()
        self.join()
        return p95(self.seconds)


def p95(seconds: list[float]) -> float:
    return quantiles(seconds, n=20)[-1]


def idle(url: str) -> float:
    visitor = Visitor(url)
    with requests.Session() as session:
        for _ in range(VISITS):
            visitor.visit(session)
            time.sleep(0.02)
    return p95(visitor.seconds)


def round_of(images: int, url: str) -> tuple[float, float]:
    """Takedowns a second, and the p95 of the pages meanwhile, in seconds."""
    ids = stage.populate(images)
    visitor = Visitor(url)
    visitor.start()
    begun = time.monotonic()
    code = _order(ids)
    _wait_until_removed(code)
    rate = images / (time.monotonic() - begun)
    slow = visitor.stop()
    _check(code, images)
    return rate, slow


def _order(ids: list[UUID]) -> UUID:
    from portal.accounts.models import User  # noqa: PLC0415  (the settings exist only once the stack runs)
    from portal.orders import actions  # noqa: PLC0415
    from tests.builders import look_at_order  # noqa: PLC0415

    sam, lee = (User.objects.get(name=name) for name in ("sam", "lee"))
    order = actions.propose_list(ids, by=sam, authority="bench", reference=str(uuid4()))
    look_at_order(order, sam, lee)
    actions.confirm(order, by=lee)
    return order.code


def _wait_until_removed(code: UUID) -> None:
    from portal.orders.models import Order  # noqa: PLC0415

    deadline = time.monotonic() + PATIENCE
    while not Order.objects.filter(pk=code, state="removed").exists():
        if time.monotonic() > deadline:
            raise TimeoutError("The takedowns did not end.")
        time.sleep(0.05)


def _check(code: UUID, images: int) -> None:
    from portal.takedowns import connectors  # noqa: PLC0415
    from portal.takedowns.models import Step  # noqa: PLC0415

    steps = images * len(connectors.ALL)
    verified = Step.objects.filter(takedown__removal__origin=code, state="verified").count()
    if verified != steps:
        raise RuntimeError(f"{verified} of {steps} steps are verified")


def rows(images: int, rounds: int) -> list[Row]:
    # Purging rewrites tables a day later, and not while this measures.
    with stage.portal({"PURGE_SECONDS": "86400"}) as stack:
        quiet = idle(stack.url)
        measured = [round_of(images, stack.url) for _ in range(rounds)]
    rates, slow = ([each[place] for each in measured] for place in (0, 1))
    middle = median if rounds >= ROUNDS else max
    note = f"{rounds} orders of {images} images with {stage.FACES} faces each, two workers"
    return [
        alone("complete takedowns", middle(rates), "1/s", at_least=200.0, note=note),
        beside(
            "a page while an order is carried out (p95)",
            1000 * middle(slow),
            "ms",
            peer="the same pages on the idle stack",
            peer_value=1000 * quiet,
            less_is_better=True,
            note=note,
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.takedowns", description=__doc__)
    parser.add_argument("--images", type=int, default=IMAGES, help="of one order")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    sys.stdout.write(json.dumps([asdict(row) for row in rows(options.images, options.rounds)]) + "\n")


if __name__ == "__main__":
    main()
