"""The kill drill: takedowns under load while every part of the portal is killed with SIGKILL at random.

Two passes, with Redis and with the file broker, each on a stack of its own. Every image was shown to a client of the
operator, who is told over HTTP, and everything removed is purged while the killing goes on. What a kill does not show
is a power cut: the kernel lives on and writes down what the killed had handed to it.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import TypeVar
from uuid import UUID

import requests

from bench import stage
from portal.local import children
from portal.local.stack import PROJECT, Service, Stack

T = TypeVar("T")
_LAST_LINE = re.compile(r"takedowns (\d+) · kills (\d+) · lost (\d+) · doubled (\d+) · drained in ([\d.]+) s")
ORDER = 50  # images
DRAINED_WITHIN = 120.0  # seconds after the last kill
GIVEN_UP_AFTER = 1200.0  # late is not lost: what is not done by then is
PATIENCE = 60.0  # seconds that anything here waits for the database to come back
# A worker's lease is the longest that its work stands still, so the drill's is short.
ENV = {
    "LEASE_SECONDS": "5",
    "SWEEP_SECONDS": "2",
    "COOLING_SECONDS": "0",
    "PURGE_SECONDS": "5",
    "NOTICE_WINDOW_SECONDS": "2",
    "PRIVATE_HOSTS": "127.0.0.1",
}
CLIENTS = 3  # of the operator, in turn


@dataclass
class Tally:
    takedowns: int = 0
    kills: int = 0
    lost: int = 0
    doubled: int = 0
    drained: float = 0.0  # seconds, the longer of the passes
    pages: int = 0
    by_part: dict[str, int] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        self.takedowns += other.takedowns
        self.kills += other.kills
        self.lost += other.lost
        self.doubled += other.doubled
        self.drained = max(self.drained, other.drained)

    @property
    def held(self) -> bool:
        return not self.lost and not self.doubled and self.drained <= DRAINED_WITHIN

    def __str__(self) -> str:
        return (
            f"takedowns {self.takedowns} · kills {self.kills} · lost {self.lost} · doubled {self.doubled}"
            f" · drained in {self.drained:.1f} s"
        )


# --- one pass, in a process of its own, since Django is set up once a process ---


def drill(*, broker: str, takedowns: int, kills: int, seed: int, pause: float) -> Tally:
    with (
        _broker(broker) as (service, url),
        _listening() as clients,
        stage.portal({**ENV, "CELERY_BROKER_URL": url}) as stack,
    ):
        images = stage.populate(takedowns)
        _disclose(images, clients.url)
        ended = Event()
        acknowledged: list[UUID] = []
        tally = Tally(takedowns=takedowns)
        chance = random.Random(seed)  # noqa: S311  (the same seed, the same kills)
        threads = [
            Thread(target=_file_orders, args=(images, acknowledged, kills * pause), name="orders"),
            Thread(target=_visit, args=(stack.url, ended, tally), name="visitor"),
        ]
        try:
            for thread in threads:
                thread.start()
            _kill_at_random(stack, service, tally, kills=kills, chance=chance, pause=pause)
            begun = time.monotonic()
            _wait_until_drained(stack, service, threads[0])
            tally.drained = time.monotonic() - begun
        finally:
            ended.set()  # or whatever went wrong here would leave them, and so this process, waiting
            for thread in threads:
                thread.join()
        steadily(lambda: _count(images, acknowledged, clients.told, tally))
        return tally


@contextmanager
def _broker(name: str) -> Iterator[tuple[Service | None, str]]:
    """The broker as a service that can be killed and started again, and its address. The file broker is no process."""
    if name == "filesystem":
        yield None, "filesystem://"
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = shutil.which("redis-server")
    if program is None:
        raise SystemExit("The pass with Redis needs redis-server: install it (Debian: apt install redis-server).")
    # Nothing is kept on disk: each kill wipes the broker, too.
    service = Service(
        "redis", [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    )
    _start(service)
    try:
        yield service, f"redis://127.0.0.1:{port}/0"
    finally:
        if service.child is not None:
            children.stop([service.child], patience=1)


def _start(service: Service) -> None:
    service.child = children.spawn(
        service.command, env=dict(os.environ), folder=Path(tempfile.gettempdir()), output=subprocess.DEVNULL
    )


class _Clients(ThreadingHTTPServer):
    """The clients of the operator. What they are told twice under one number they know to be the same notice."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Told)
        self.url = f"http://127.0.0.1:{self.server_port}/notices"
        self.told: dict[UUID, set[str]] = {}  # by image: the numbers of the notices that name it


class _Told(BaseHTTPRequestHandler):
    server: _Clients

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        for image in said["images"]:
            self.server.told.setdefault(UUID(image["id"]), set()).add(said["notice"])
        answer = json.dumps({"acknowledged": said["notice"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@contextmanager
def _listening() -> Iterator[_Clients]:
    server = _Clients()
    thread = Thread(target=server.serve_forever, name="clients")
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _disclose(images: Sequence[UUID], endpoint: str) -> None:
    from matching import service  # noqa: PLC0415  (the settings exist only once the stack runs)
    from matching.types import RegisterLine  # noqa: PLC0415
    from portal.accounts.models import User  # noqa: PLC0415
    from portal.notices import actions  # noqa: PLC0415
    from portal.notices.models import Channel, Recipient  # noqa: PLC0415

    sam, lee = (User.objects.get(name=name) for name in ("sam", "lee"))
    at = datetime.now(UTC)
    for number in range(CLIENTS):
        recipient = Recipient.objects.create(code=f"client-{number}")
        actions.propose_channel(recipient, Channel.WEBHOOK, endpoint, "en", by=sam)
        actions.confirm_channel(recipient, by=lee)
    for start in range(0, len(images), stage.BATCH):
        some = enumerate(images[start : start + stage.BATCH])
        service.import_disclosures(
            [RegisterLine(f"client-{n % CLIENTS}", "drill", at, image_id=image) for n, image in some]
        )


# --- what goes on meanwhile ---


def _file_orders(images: Sequence[UUID], acknowledged: list[UUID], seconds: float) -> None:
    """Record and confirm one order after the other, for as long as there is killing.

    Acknowledged is what was seen committed.
    """
    from django.db import connection  # noqa: PLC0415  (the settings exist only once the stack runs)

    for start in range(0, len(images), ORDER):
        part = images[start : start + ORDER]
        steadily(lambda part=part, start=start: _file(part, f"drill-{start}"))  # type: ignore[misc]  # bound at once
        acknowledged.extend(part)
        time.sleep(seconds * ORDER / len(images))
    connection.close()


def _file(part: Sequence[UUID], reference: str) -> None:
    """Once, however often it is tried: the answer to a commit may be what the kill took."""
    from portal.accounts.models import User  # noqa: PLC0415
    from portal.orders import actions  # noqa: PLC0415
    from portal.orders.models import Order  # noqa: PLC0415
    from portal.orders.states import State  # noqa: PLC0415
    from tests.builders import look_at_order  # noqa: PLC0415

    sam, lee = (User.objects.get(name=name) for name in ("sam", "lee"))
    order = Order.objects.filter(reference=reference).first()
    if order is None:
        order = actions.propose_list(part, by=sam, authority="drill", reference=reference)
    if order.state == State.PROPOSED:
        look_at_order(order, sam, lee)
        actions.confirm(order, by=lee)


def _visit(url: str, ended: Event, tally: Tally) -> None:
    while not ended.wait(0.05):
        with suppress(requests.RequestException):
            tally.pages += requests.get(f"{url}/en/", timeout=5).status_code == 200


def steadily(do: Callable[[], T]) -> T:
    """Do it again while the database is away."""
    from django.db import InterfaceError, OperationalError, connection  # noqa: PLC0415

    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return do()
        except (OperationalError, InterfaceError):
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


# --- killing ---


def _kill_at_random(
    stack: Stack, broker: Service | None, tally: Tally, *, kills: int, chance: random.Random, pause: float
) -> None:
    parts = ["web", "web child", "worker", "worker child", "beat", "database", "database child", "broker"]
    chance.shuffle(parts)
    while tally.kills < kills:
        # Each part once to begin with.
        part = parts[tally.kills] if tally.kills < len(parts) else chance.choice(parts)
        if _kill(part, stack, broker, chance):
            tally.kills += 1
            tally.by_part[part] = tally.by_part.get(part, 0) + 1
        until = time.monotonic() + chance.uniform(0.2, 1.8) * pause
        while time.monotonic() < until:
            mend(stack, broker)
            time.sleep(0.05)


def mend(stack: Stack, broker: Service | None) -> None:
    """What a supervisor does, without its growing pauses: here it is no fault of theirs that they ended."""
    for service in stack._services:
        service.failures = 0
    stack.mend()
    if broker is not None and broker.child is not None and broker.child.poll() is not None:
        _start(broker)


def _kill(part: str, stack: Stack, broker: Service | None, chance: random.Random) -> bool:
    """False where there was nothing to kill: it is on its way back from the last time."""
    if part == "broker" and broker is None:
        return _wipe(Path(stack.env["BROKER_FOLDER"]))
    pid = _pid(part, stack, broker, chance)
    if pid is None:
        return False
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


def _wipe(folder: Path) -> bool:
    for file in folder.rglob("*"):
        with suppress(FileNotFoundError, IsADirectoryError, PermissionError):
            file.unlink()
    return True


def _pid(part: str, stack: Stack, broker: Service | None, chance: random.Random) -> int | None:
    name, _space, child = part.partition(" ")
    parent = _postmaster(stack) if name == "database" else _parent(name, stack, broker)
    if parent is None or not child:
        return parent
    below = list(children.below(parent))
    return chance.choice(below) if below else None


def _parent(name: str, stack: Stack, broker: Service | None) -> int | None:
    services = [*stack._services, *([broker] if broker is not None else [])]
    named = {"redis": "broker"}
    for service in services:
        if named.get(service.name, service.name) == name and service.child and service.child.poll() is None:
            return service.child.pid
    return None


def _postmaster(stack: Stack) -> int | None:
    assert stack.cluster is not None
    try:
        return int((stack.cluster.data / "postmaster.pid").read_text().splitlines()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None


# --- and then ---


def _wait_until_drained(stack: Stack, broker: Service | None, filing: Thread) -> None:
    """Until all is removed and purged, and everyone who was shown it was told."""
    deadline = time.monotonic() + GIVEN_UP_AFTER
    while time.monotonic() < deadline:
        mend(stack, broker)
        if not filing.is_alive() and steadily(_is_drained):
            return
        time.sleep(0.1)


def _is_drained() -> bool:
    from portal.notices.models import Notice  # noqa: PLC0415
    from portal.orders.models import Order  # noqa: PLC0415
    from portal.takedowns.models import Removal  # noqa: PLC0415

    return not (
        Order.objects.exclude(state__in=("removed", "closed")).exists()
        or Removal.objects.exclude(state="purged").exists()
        or Notice.objects.exclude(state="acknowledged").exists()
    )


def _count(images: Sequence[UUID], acknowledged: Sequence[UUID], told: dict[UUID, set[str]], tally: Tally) -> None:
    """Lost: not acknowledged, not purged, left in some store, a step not verified, or nobody told. Doubled: anything
    recorded or told more than once."""
    from django.db.models import Count, Q  # noqa: PLC0415

    from matching import service  # noqa: PLC0415  (the settings exist only once the stack runs)
    from matching.types import Store  # noqa: PLC0415
    from portal.audit.models import Entry  # noqa: PLC0415
    from portal.audit.tags import Tag  # noqa: PLC0415
    from portal.jobs.models import Job  # noqa: PLC0415
    from portal.takedowns import connectors  # noqa: PLC0415
    from portal.takedowns.models import Step, Takedown  # noqa: PLC0415

    stores = len(connectors.ALL)
    takedowns = Takedown.objects.annotate(verified=Count("steps", filter=Q(steps__state="verified")))
    purged = set(takedowns.filter(state="purged", verified=stores).values_list("image_id", flat=True))
    lost = (set(images) - purged) | (set(images) - set(acknowledged)) | (set(images) - told.keys())
    for start in range(0, len(images), 1000):
        for store in Store:
            lost |= service.present_many(images[start : start + 1000], store)
        lost |= service.unpurged(images[start : start + 1000])
    tally.lost = len(lost) + Job.objects.filter(state="dead").count()

    def repeated(tag: Tag, *by: str) -> int:
        counted = Entry.objects.filter(tag=tag).values("about", *by).annotate(times=Count("pk"))
        return int(counted.filter(times__gt=1).count())

    tally.doubled = (
        repeated(Tag.STEP_VERIFIED, "detail__takedown", "detail__store")
        + repeated(Tag.TAKEDOWN_MOVED, "detail__image", "detail__to")
        + repeated(Tag.REMOVAL_MOVED, "detail__to")
        + sum(len(notices) - 1 for notices in told.values())
        + max(0, Takedown.objects.count() - len(images))
        + max(0, Step.objects.count() - len(images) * stores)
        + max(0, Entry.objects.filter(tag=Tag.STEP_VERIFIED).count() - Step.objects.filter(state="verified").count())
    )
    if tally.lost:
        waiting = Job.objects.exclude(state="done").values_list("kind", "state", "last_error").annotate(Count("pk"))
        sys.stderr.write("".join(f"{kind} {state} {error} × {jobs}\n" for kind, state, error, jobs in waiting))


# --- the command ---


def main() -> int:
    options = _options()
    if options.broker != "both":
        tally = drill(
            broker=options.broker,
            takedowns=options.takedowns,
            kills=options.kills,
            seed=options.seed,
            pause=options.pause,
        )
        killed = ", ".join(f"{part} {times}" for part, times in sorted(tally.by_part.items()))
        sys.stdout.write(f"{options.broker}: killed {killed}; {tally.pages} pages answered meanwhile\n{tally}\n")
        return 0 if tally.held else 1
    total = Tally()
    for broker in ("redis", "filesystem"):
        total.add(_pass(broker, options))
    sys.stdout.write(f"{total}\n")
    return 0 if total.held else 1


def _pass(broker: str, options: argparse.Namespace) -> Tally:
    """Half of everything, in a process of its own. Errors: SystemExit where it did not come to its end."""
    given = {
        "broker": broker,
        "takedowns": options.takedowns // 2,
        "kills": -(-options.kills // 2),
        "seed": options.seed,
        "pause": options.pause,
    }
    arguments = [text for name, value in given.items() for text in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "bench.drill", *arguments]
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603  (our own)
    sys.stdout.write("".join(f"  {line}\n" for line in done.stdout.splitlines()))
    sys.stdout.flush()
    counted = _LAST_LINE.search(done.stdout)
    if counted is None:
        raise SystemExit(f"The pass with {broker} did not come to its end.")
    *counts, drained = counted.groups()
    takedowns, kills, lost, doubled = map(int, counts)
    return Tally(takedowns, kills, lost, doubled, drained=float(drained))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.drill", description=__doc__)
    parser.add_argument("--takedowns", type=int, default=30_000)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--broker", choices=["both", "redis", "filesystem"], default="both")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between two kills, on average")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(10**6)
    sys.stdout.write(f"seed {options.seed}\n" if options.broker == "both" else "")
    return options


if __name__ == "__main__":
    sys.exit(main())
