"""The broker over a folder: messages appear whole, and nothing that lies in its folders ends a worker."""

import json
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.db import connection
from structlog.testing import capture_logs

from portal.celery import app
from portal.jobs.folder_broker import MOST_BYTES
from portal.jobs.models import Heartbeat
from portal.local import children
from portal.local.stack import PROJECT
from portal.policies.operations import ABANDONED_AFTER
from tests.jobs import folder_traffic

MESSAGES, WRITERS, READERS = 20_000, 4, 2
_processes = multiprocessing.get_context("spawn")


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where the machine has such a folder: a disk would take most of the time of the large test."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


@pytest.mark.slow
def test_20_000_messages_of_four_writers_arrive_whole_and_once(folder: Path) -> None:
    ended, results, half_written = _processes.Event(), _processes.Queue(), _processes.Queue()
    share, name = MESSAGES // WRITERS, str(folder)
    readers = [_start(folder_traffic.receive_into, name, ended, results) for _ in range(READERS)]
    watcher = _start(folder_traffic.count_half_written, name, ended, half_written)
    writers = [_start(folder_traffic.send_range, name, first, first + share) for first in range(0, MESSAGES, share)]
    for writer in writers:
        writer.join()
    ended.set()
    received = [results.get(timeout=60) for _ in readers]
    assert half_written.get(timeout=60) == 0
    for process in (*readers, watcher):
        process.join()

    assert {process.exitcode for process in (*readers, watcher, *writers)} == {0}
    assert all(received), "each reader had some"
    assert sorted(number for numbers in received for number in numbers) == list(range(MESSAGES))
    assert _names(folder / "queue") == _names(folder / "writing") == _names(folder / "damaged") == []


def _start(work: Callable[..., None], *arguments: Any) -> Any:
    process = _processes.Process(target=work, args=arguments)
    process.start()
    return process


def whole(**changes: Any) -> dict[str, Any]:
    """A message as kombu writes it, or nearly."""
    properties = {"delivery_tag": "1", "body_encoding": "base64", "delivery_info": {}}
    message = {"body": "MQ==", "content-type": "application/json", "content-encoding": "utf-8"}
    return {**message, "headers": {}, "properties": properties, **changes}


def write(content: bytes) -> Callable[[Path], None]:
    def lay(path: Path) -> None:
        path.write_bytes(content)

    return lay


def link(path: Path) -> None:
    path.symlink_to("/etc/hostname")


def forbid(path: Path) -> None:
    path.write_bytes(b"{}")
    path.chmod(0)


DAMAGED: dict[str, Callable[[Path], None]] = {
    "half a message": write(json.dumps(whole()).encode()[:90]),
    "nothing": write(b""),
    "no text": write(b"\xff\x00\xfe" * 100),
    "a list": write(b"[]"),
    "an empty object": write(b"{}"),
    "nested 60,000 deep": write(b"[" * 60_000),
    "a body that is no base64": write(json.dumps(whole(body="MQ")).encode()),
    "a tag that is no text": write(json.dumps(whole(properties={"delivery_tag": []})).encode()),
    "too large": write(json.dumps(whole(body="MQ==" * (MOST_BYTES // 4))).encode()),
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a link": link,
    "a file that may not be read": forbid,
}


@pytest.mark.parametrize("lay", DAMAGED.values(), ids=DAMAGED.keys())
def test_what_is_no_message_is_set_aside_and_the_next_one_arrives(folder: Path, lay: Callable[[Path], None]) -> None:
    folder_traffic.send(folder, "before")
    lay(folder / "queue" / "0-ana@example.org.celery.msg")
    folder_traffic.send(folder, "after")

    with capture_logs() as logged:
        assert folder_traffic.receive(folder) == ["before", "after"]
    assert _names(folder / "queue") == []
    (kept,) = _names(folder / "damaged")
    assert [(line["event"], line["set_aside_as"]) for line in logged] == [("message_damaged", kept)]
    assert "ana@example.org" not in str(logged)


def test_a_whole_message_laid_by_hand_arrives(folder: Path) -> None:
    (folder / "queue").mkdir()
    (folder / "queue" / "1.celery.msg").write_text(json.dumps(whole()))
    assert folder_traffic.receive(folder) == [1]


def test_a_writer_killed_in_the_middle_leaves_nothing_in_the_way(folder: Path) -> None:
    writer = _start(folder_traffic.die_while_writing, str(folder))
    writer.join()
    assert writer.exitcode == -signal.SIGXFSZ
    (half,) = (folder / "writing").iterdir()
    assert half.stat().st_size == 1000

    folder_traffic.send(folder, "after")
    assert folder_traffic.receive(folder) == ["whole", "after"]
    assert half.exists(), "its writer might still live"

    long_ago = time.time() - ABANDONED_AFTER.total_seconds() - 1
    os.utime(half, (long_ago, long_ago))
    folder_traffic.receive(folder)
    assert not half.exists()
    assert _names(folder / "damaged") == []


def test_a_queue_whose_folder_was_deleted_is_empty_and_made_again(folder: Path) -> None:
    broker = folder / "broker"
    assert folder_traffic.receive(broker) == []
    folder_traffic.send(broker, "lost")
    shutil.rmtree(broker)
    assert folder_traffic.receive(broker) == []
    folder_traffic.send(broker, "first")
    assert folder_traffic.receive(broker) == ["first"]


def test_a_queue_can_be_purged(folder: Path) -> None:
    folder_traffic.send(folder, "one", "two")
    with folder_traffic.connection(folder) as opened:
        assert app.control.purge(connection=opened) == 2
    assert folder_traffic.receive(folder) == []


@pytest.mark.django_db(transaction=True)
def test_no_message_ends_a_worker(folder: Path, tmp_path: Path) -> None:
    queue = folder / "queue"
    queue.mkdir()
    for number, lay in enumerate(DAMAGED.values()):
        lay(queue / f"0-{number}.celery.msg")
    # Messages to kombu, but not what Celery expects.
    for number, headers in enumerate(
        [
            {},
            [],
            {"task": []},
            {"task": "portal.nothing", "id": "1"},
            {"task": "portal.drain"},
            {"task": "portal.drain", "id": "1", "timelimit": 5},
        ]
    ):
        (queue / f"00-{number}.celery.msg").write_text(json.dumps(whole(headers=headers)))
    with folder_traffic.connection(folder) as opened:
        app.send_task("portal.sweep", connection=opened)

    log = tmp_path / "log"
    with _worker(folder, log) as worker:
        children.wait_until(lambda: worker.poll() is not None or Heartbeat.objects.exists(), seconds=30)
        assert worker.poll() is None, log.read_text()
        assert Heartbeat.objects.exists(), log.read_text()
    assert _names(queue) == []
    assert len(_names(folder / "damaged")) == len(DAMAGED)


@contextmanager
def _worker(folder: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Celery's worker as the supervisor starts it, with this test's database and broker."""
    server, _slash, name = os.environ["DATABASE_URL"].rpartition("/")
    database = f"{server}/{connection.settings_dict['NAME']}?{name.partition('?')[2]}"
    env = {**os.environ, "DATABASE_URL": database, "CELERY_BROKER_URL": "filesystem://", "BROKER_FOLDER": str(folder)}
    command = [sys.executable, "-m", "celery", "-A", "portal.celery", "worker", "--loglevel=WARNING", "-c", "1"]
    with log.open("wb") as output:
        worker = children.spawn(command, env=env, folder=PROJECT, output=output)
        try:
            yield worker
        finally:
            children.stop([worker], patience=5)


def test_a_broker_that_answers_nonsense_undoes_no_request(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=_answer_one, args=(server,), daemon=True).start()
        env = {**os.environ, "CELERY_BROKER_URL": f"redis://127.0.0.1:{server.getsockname()[1]}/0"}
        code = "import django; django.setup(); from portal.jobs import wake; wake.workers()"
        subprocess.run([sys.executable, "-c", code], env=env, cwd=PROJECT, check=True)
    assert json.loads(capfd.readouterr().err.splitlines()[-1])["event"] == "wake_failed"


def _answer_one(server: socket.socket) -> None:
    """A server that says PONG to whatever it is asked."""
    with suppress(OSError):
        while True:
            asker, _address = server.accept()
            with asker:
                while asker.recv(65536):
                    asker.sendall(b"+PONG\r\n")


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.exists() else []
