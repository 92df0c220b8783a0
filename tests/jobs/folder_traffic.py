"""Processes that send and receive through the folder broker as Celery does, for its tests."""

import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kombu import Connection, Consumer, Exchange, Producer, Queue

CELERY = Queue("celery", Exchange("celery"), routing_key="celery")


@contextmanager
def connection(folder: Path) -> Iterator[Connection]:
    options = {"folder": str(folder)}
    with Connection(transport="portal.jobs.folder_broker:Transport", transport_options=options) as opened:
        yield opened


def send(folder: Path, *bodies: Any) -> None:
    with connection(folder) as opened:
        producer = Producer(opened)
        for body in bodies:
            producer.publish(body, exchange=CELERY.exchange, routing_key=CELERY.routing_key, declare=[CELERY])


def send_range(folder: str, start: int, stop: int) -> None:
    send(Path(folder), *range(start, stop))


def receive(folder: Path, *, until: Any = None) -> list[Any]:
    """What a consumer gets until the queue is empty and, where `until` is an event, the event is set."""
    received: list[Any] = []

    def take(body: Any, message: Any) -> None:
        received.append(body)
        message.ack()

    with connection(folder) as opened, Consumer(opened, [CELERY], callbacks=[take]):
        while True:
            ended = until is None or until.is_set()
            try:
                opened.drain_events(timeout=0.05)
            except TimeoutError:
                if ended:
                    return received


def receive_into(folder: str, ended: Any, results: Any) -> None:
    results.put(receive(Path(folder), until=ended))


def count_half_written(folder: str, ended: Any, results: Any) -> None:
    """Look at the newest message, which its writer may not have finished, a thousand times a second."""
    queue, half = Path(folder) / "queue", 0
    while not ended.is_set():
        time.sleep(0.001)
        with suppress(FileNotFoundError):
            newest = max((entry.name for entry in os.scandir(queue)), default=None)
            half += newest is not None and not (queue / newest).read_bytes().endswith(b"}")
    results.put(half)


def die_while_writing(folder: str) -> None:
    """Send one short message whole, and be killed by the system in the middle of a long one."""
    send(Path(folder), "whole")
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    send(Path(folder), "x" * 100_000)
