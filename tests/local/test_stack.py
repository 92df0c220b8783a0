"""The supervisor: everything starts from nothing, what dies comes back, and nothing is left behind."""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from portal.local import children, variables
from portal.local.stack import PROJECT, Stack, StackError

pytestmark = [pytest.mark.stack, pytest.mark.enable_socket]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A stack that was started once: its database is filled, and it has stopped."""
    folder = tmp_path_factory.mktemp("a stack with spaces") / "var"
    stack = Stack(folder, demo=True, pictures=False)
    stack.start()
    stack.stop(patience=0.5)
    yield folder
    stack.destroy()


def processes_of(folder: Path) -> dict[int, str]:
    """Every live process that was told of the folder: by its environment, its arguments or where it works."""
    found = {}
    place = (folder / "postgresql" / "place").read_text()
    names = {str(folder / "broker"), *([] if place == "here" else [place])}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            told = (entry / "environ").read_text(errors="replace") + (entry / "cmdline").read_text(errors="replace")
            if any(name in told for name in names) and "State:\tZ" not in (entry / "status").read_text():
                found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-u", "-m", "portal.local", "--folder", str(folder), *arguments]


def supervisor(folder: Path) -> "subprocess.Popen[str]":
    running = subprocess.Popen(
        command(folder, "--port", "0"),
        cwd=PROJECT,
        env=variables.surroundings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert running.stdout is not None
    said = ""
    for line in running.stdout:
        said += line
        if "Ctrl-C stops everything" in line:
            return running
    raise AssertionError(said)


def test_it_is_up_quickly_the_second_time_and_leaves_nothing(folder: Path) -> None:
    begun = time.monotonic()
    with Stack(folder, demo=True, pictures=False) as stack:
        took = time.monotonic() - begun
        assert status(f"{stack.url}/healthz") == 200
        assert status(f"{stack.url}/en/") == 200
        assert len(processes_of(folder)) > 5
        assert "DATABASE_OWNER_URL" in stack.env
        secrets = [(folder / "postgresql" / role).read_text() for role in ("owner", "superuser")]
        for pid in processes_of(folder):
            environment = Path(f"/proc/{pid}/environ").read_text(errors="replace")
            assert not any(name in environment for name in ("DATABASE_OWNER_URL", *secrets))
        kept = folder / "postgresql" / "world.json"
        assert stack.world == json.loads(kept.read_text())  # the passwords of the first start still hold
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert took < 20  # 3 to 5 s where nothing else runs
    assert not processes_of(folder)
    with pytest.raises(urllib.error.URLError):
        status(f"{stack.url}/healthz")


def test_its_owner_could_grant_all_that_a_purge_needs(folder: Path) -> None:
    said = (folder / "logs" / "prepare.log").read_text()
    assert "Database roles are in place." in said
    assert "did not grant" not in said
    assert "large objects" not in said


def test_its_secrets_are_its_owners_alone(folder: Path) -> None:
    assert stat.S_IMODE((folder / "secrets").stat().st_mode) == 0o600
    for private in ("logs", "broker"):
        assert not stat.S_IMODE((folder / private).stat().st_mode) & 0o077
    kept = json.loads((folder / "secrets").read_text())
    assert len(set(kept.values())) == len(kept) == 3
    assert all(len(secret) >= 32 for secret in kept.values())


def test_it_starts_again_what_was_killed(folder: Path) -> None:
    stack = Stack(folder, demo=True, pictures=False)

    def mended() -> bool:
        stack.mend()  # as the supervisor does again and again: what was killed may take a moment to end
        there = all(service.child and service.child.poll() is None for service in stack._services)
        if not there or stack.cluster is None or not stack.cluster.is_running:
            return False
        with suppress(OSError, HTTPException):  # from what is on its way out
            return status(f"{stack.url}/healthz") == 200
        return False

    with stack:
        assert stack.cluster is not None
        victims = [service.child.pid for service in stack._services if service.child]
        victims.append(int((stack.cluster.data / "postmaster.pid").read_text().splitlines()[0]))
        assert len(victims) == 4
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
            assert children.wait_until(lambda victim=victim: victim not in processes_of(folder), seconds=5)  # type: ignore[misc]  # bound at once
            assert children.wait_until(mended, seconds=20)
        assert all(service.child and service.child.poll() is None for service in stack._services)
        assert stack.cluster.is_running
        stack.stop(patience=0.5)
    assert not processes_of(folder)


def test_it_answers_beside_hundreds_of_idle_and_slow_connections(folder: Path) -> None:
    with Stack(folder, demo=True, pictures=False) as stack, ExitStack() as opened:
        address = ("127.0.0.1", urlsplit(stack.url).port or 0)
        crowd = [opened.enter_context(socket.create_connection(address, timeout=5)) for _ in range(500)]
        for connection in crowd[200:400]:
            connection.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        for connection in crowd[400:]:
            connection.sendall(b"POST /en/request/photo/ HTTP/1.1\r\nContent-Length: 10000000\r\n\r\n")
        took = []
        for _ in range(4):
            for connection in crowd[200:]:
                connection.sendall(b"x" * 10)
            for page in ("/healthz", "/en/status/"):
                begun = time.monotonic()
                assert status(f"{stack.url}{page}") == 200
                took.append(time.monotonic() - begun)
            time.sleep(0.2)
        assert max(took) < 1, took
        stack.stop(patience=0.5)


def test_it_leaves_nothing_when_it_is_interrupted(folder: Path) -> None:
    running = supervisor(folder)
    refused = subprocess.run(
        command(folder, "--port", "0"), cwd=PROJECT, env=variables.surroundings(), capture_output=True, text=True
    )
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=60)
    assert running.returncode == 0
    assert "Stopped" in said
    assert not processes_of(folder)
    assert refused.returncode == 1
    assert re.fullmatch(r"The portal already runs from .*, at http://localhost:\d+\.\n", refused.stderr)


def test_it_leaves_nothing_when_it_is_killed(folder: Path) -> None:
    running = supervisor(folder)
    running.kill()
    running.communicate()
    assert children.wait_until(lambda: not processes_of(folder), seconds=20), processes_of(folder)


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = subprocess.run(
            command(tmp_path, "--port", str(port)),
            cwd=PROJECT,
            env=variables.surroundings(),
            capture_output=True,
            text=True,
        )
    assert refused.returncode == 1
    assert refused.stderr == f"Port {port} is taken: stop what uses it, or choose another with PORT=…\n"


def test_it_names_what_is_missing_outside_the_demo(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"SECRET_KEY and KEY_STORE and IMAGE_STORE .* must be set outside the demo"):
        Stack(tmp_path / "var", demo=False).start()


def test_it_says_which_command_failed(tmp_path: Path) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    stack = Stack(
        tmp_path / "var",
        demo=True,
        env={"DATABASE_URL": nowhere, "DATABASE_OWNER_URL": nowhere, "DATABASE_REGULATOR_URL": nowhere},
    )
    with pytest.raises(StackError, match=r"^Tables, roles, face pack failed: .*"):
        stack.start()


def test_it_refuses_to_start_with_a_face_pack_that_was_changed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.find_spec("face_recognition_models")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    shutil.copytree(spec.submodule_search_locations[0], tmp_path / "face_recognition_models")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (recogniser,) = tmp_path.rglob("dlib_face_recognition_resnet_model_v1.dat")
    prepared = next(folder.rglob("prepared.json"))
    before = prepared.read_text()
    known = json.loads(before)
    known["files"] = {str(recogniser): hashlib.sha256(recogniser.read_bytes()).hexdigest()}
    prepared.write_text(json.dumps(known))
    flipped = bytearray(recogniser.read_bytes())
    flipped[len(flipped) // 2] ^= 1
    recogniser.write_bytes(flipped)
    with pytest.raises(StackError, match="is not the one that was expected"):
        Stack(folder, demo=True, pictures=False).start()
    prepared.write_text(before)


def test_a_worker_that_hangs_is_ended_and_started_again(folder: Path) -> None:
    stack = Stack(folder, demo=True, pictures=False)
    with stack:
        (worker,) = [service for service in stack._services if service.name == "worker"]
        assert worker.child is not None
        hung = worker.child.pid
        for pid in children.below(hung):
            os.kill(pid, signal.SIGSTOP)

        def is_replaced() -> bool:
            stack.mend()
            return worker.child is not None and worker.child.pid != hung

        assert children.wait_until(is_replaced, seconds=60)  # 30 s of silence, and a look each 5
        stack.stop(patience=0.5)
    assert not processes_of(folder)
