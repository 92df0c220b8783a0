"""The web server: nobody holds it by being slow, and nothing that is sent to it is ever on a disk."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from portal.core import web_server
from portal.core.uploads import LARGEST_REQUEST, LARGEST_UPLOAD
from portal.local import children

PROJECT = Path(__file__).resolve().parents[2]
HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"


class Server:
    """One process of one thread, with the options of the portal else."""

    def __init__(self, folder: Path, **constants: object) -> None:
        """constants: names of portal.core.web_server that this one is to have other values for."""
        (folder / "temporary").mkdir()
        changes = "".join(f"web_server.{name} = {value!r}\n" for name, value in constants.items())
        (folder / "changed_options.py").write_text(
            "from portal.core import web_server\nfrom portal.gunicorn_options import *\n"
            f"{changes}workers = threads = 1\nwsgi_app = 'tests.core.web_app:application'\n"
        )
        self.log = folder / "log"
        self.temporary = folder / "temporary"
        with socket.create_server(("127.0.0.1", 0)) as listener, self.log.open("wb") as log:
            self.port = listener.getsockname()[1]
            self.process = children.spawn(
                [
                    sys.executable,
                    "-m",
                    "gunicorn",
                    "--config=python:changed_options",
                    f"--bind=fd://{listener.fileno()}",
                ],
                env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{PROJECT}", "TMPDIR": str(self.temporary)},
                folder=PROJECT,
                output=log,
                keep_open=[listener.fileno()],
            )
        self.get("/", seconds=30)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def get(self, path: str, *, seconds: float) -> float:
        """How long the answer took."""
        begun = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        connection.request("GET", path)
        assert connection.getresponse().status == 200
        connection.close()
        return time.monotonic() - begun

    def bytes_on_disk(self) -> int:
        """Of every file that a process of it holds open below its temporary folder, deleted ones too."""
        held = 0
        for pid in [self.process.pid, *children.below(self.process.pid)]:
            for entry in Path(f"/proc/{pid}/fd").iterdir():
                if str(entry.readlink()).startswith(str(self.temporary)):
                    held += entry.stat().st_size
        return held + sum(path.stat().st_size for path in self.temporary.rglob("*"))


Start = Callable[..., Server]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def begin(**constants: object) -> Server:
        server = Server(tmp_path, **constants)
        started.append(server.process)
        return server

    yield begin
    children.stop(started, patience=5)


def answer_to(connection: socket.socket) -> tuple[int, str]:
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer.status, answer.read().decode()


def is_closed(connection: socket.socket) -> bool:
    connection.settimeout(0.05)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_one_thread_answers_beside_idle_slow_and_unfinished_connections(start: Start) -> None:
    server = start()
    with ExitStack() as opened:
        crowd = [opened.enter_context(server.connect()) for _ in range(150)]
        for connection in crowd[50:100]:
            connection.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        for connection in crowd[100:]:
            connection.sendall(HEAD % LARGEST_UPLOAD + b"x" * 1000)
        for _ in range(3):
            for connection in crowd[50:]:
                connection.sendall(b"x")
            assert server.get("/", seconds=5) < 1


@pytest.mark.parametrize("missing", [1, 0])
def test_a_photo_is_never_in_a_file_while_it_arrives_or_is_read(start: Start, missing: int) -> None:
    server = start()
    with server.connect() as connection:
        connection.sendall(HEAD.replace(b"/ ", b"/slow ", 1) % LARGEST_UPLOAD + b"x" * (LARGEST_UPLOAD - missing))
        time.sleep(0.5)
        assert server.bytes_on_disk() == 0
        connection.sendall(b"x" * missing)
        assert answer_to(connection) == (200, f"{LARGEST_UPLOAD} {LARGEST_UPLOAD}")


def test_a_request_that_is_too_large_reaches_the_application_without_its_body(start: Start) -> None:
    server = start()
    with server.connect() as connection:
        connection.sendall(HEAD % (LARGEST_REQUEST + 1) + b"x" * (LARGEST_REQUEST + 1))
        assert answer_to(connection) == (200, f"{LARGEST_REQUEST + 1} 0")


def test_what_nobody_would_send_is_refused_at_once(start: Start) -> None:
    server = start()
    with server.connect() as connection:
        connection.sendall(HEAD % (web_server.LARGEST_READ + 1))
        assert answer_to(connection)[0] == 413
    with server.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        assert answer_to(connection)[0] == 501
    with server.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX-Long: " + b"x" * web_server.LARGEST_HEAD)
        assert answer_to(connection)[0] == 431


def test_whoever_drips_is_closed_in_time_and_whoever_is_quick_enough_is_not(start: Start) -> None:
    server = start(SECONDS_TO_ASK=2.0, SECONDS_IDLE=2.0)
    with server.connect() as idle, server.connect() as head, server.connect() as body, server.connect() as fair:
        head.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        body.sendall(HEAD % 1000)
        fair.sendall(HEAD % (web_server.SLOWEST * 60))
        begun = time.monotonic()
        while time.monotonic() < begun + 4.5:
            for slow in (head, body, fair):
                try:
                    slow.sendall(b"x")
                except OSError:
                    assert slow is not fair
            time.sleep(0.1)
        assert [is_closed(one) for one in (idle, head, body, fair)] == [True, True, True, False]


def test_a_crowd_from_one_address_makes_room_for_another(start: Start) -> None:
    server = start(MOST_CONNECTIONS=40)
    with ExitStack() as opened:
        other = opened.enter_context(
            socket.create_connection(("127.0.0.1", server.port), source_address=("127.0.0.2", 0))
        )
        other.sendall(HEAD % 2 + b"x")
        crowd = [opened.enter_context(server.connect()) for _ in range(60)]
        assert server.get("/", seconds=10) < 5
        assert sum(is_closed(one) for one in crowd) >= 10
        other.sendall(b"x")
        assert answer_to(other) == (200, "2 2")


def test_unfinished_uploads_take_a_bounded_memory(start: Start) -> None:
    server = start(MOST_HELD=3 * 1024**2)
    with ExitStack() as opened:
        crowd = [opened.enter_context(server.connect()) for _ in range(8)]
        for connection in crowd:
            connection.sendall(HEAD % LARGEST_UPLOAD + b"x" * 1024**2)
        assert children.wait_until(lambda: sum(is_closed(one) for one in crowd) == 5, seconds=5)
        assert server.get("/", seconds=5) < 1


def test_it_answers_what_has_arrived_before_it_ends(start: Start) -> None:
    server = start()
    with server.connect() as connection, server.connect():
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        assert answer_to(connection) == (200, " 0")
        begun = time.monotonic()
        server.process.wait(timeout=10)
        assert time.monotonic() - begun < 3
