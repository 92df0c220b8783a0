"""Web, worker, beat and, unless DATABASE_URL names a server, PostgreSQL: one supervisor for one machine."""

import errno
import fcntl
import hashlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any
from urllib.parse import urlsplit

import psycopg

from portal.core import env
from portal.local import children, running, variables
from portal.local.console import Console
from portal.local.embedded import Cluster, EmbeddedError

PROJECT = Path(__file__).resolve().parents[2]
DATABASE = "takedown"
ROLES = {"DATABASE_URL": "takedown_app", "DATABASE_REGULATOR_URL": "takedown_regulator"}
LOG_BYTES_KEPT = 5 * 1024**2
SECONDS_TO_ANSWER = 90
LONGEST_PAUSE = 30.0
_SILENT = """
SELECT NOT EXISTS (SELECT FROM jobs_job WHERE leased_until > now())
    AND NOT EXISTS (SELECT FROM jobs_heartbeat WHERE part = 'worker' AND at > now() - make_interval(secs => %s))
"""
LOOK_EVERY = 5.0  # seconds between two looks for what hangs


class StackError(Exception):
    """One sentence for the person at the terminal: why the portal does not run."""


@dataclass
class Service:
    """One long-running child and when it may be started again."""

    name: str
    command: Sequence[str]
    child: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    due_at: float = 0.0
    failures: int = 0


class Stack:
    """The whole portal below one folder, on the loopback interface.

    `env` holds variables of .env.example; the process's own environment is asked for none of them. With `demo`,
    the rest is filled in: random secrets, local stores, a clock of seconds. Port 0 takes a free one. The stack
    ends with the thread that started it. Raises StackError.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        demo: bool = False,
        pictures: bool = True,
        env: Mapping[str, str] | None = None,
        console: Console | None = None,
    ) -> None:
        self.folder = folder.absolute()
        self.demo = demo
        self.pictures = pictures  # whether the demo world has photos of its own
        self.env: dict[str, str] = {}
        self.world: dict[str, Any] = {}  # what demo_world printed: accounts with their passwords, a selfie to try
        self.pack: dict[str, Any] = {}  # the face pack, its licence and its limits
        self.url = ""
        self.cluster: Cluster | None = None
        self._port = port
        self._given = variables.chosen(env or {})
        self._console = console or Console()
        self._lock: IO[str] | None = None
        self._sockets: list[socket.socket] = []
        self._services: list[Service] = []
        self._look_at = 0.0
        self._looked_stuck = False

    def __enter__(self) -> "Stack":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        try:
            self._start()
        except OSError as error:
            self.stop()
            raise StackError(_why_not(error, self.folder)) from error
        except EmbeddedError as error:
            self.stop()
            raise StackError(str(error)) from error
        except BaseException:
            self.stop()
            raise

    def stop(self, *, patience: float = 10) -> None:
        """Stop everything; the database last, because the others still write to it. `patience`, in seconds, is for
        the jobs under way: one that is cut off runs again when its lease ends."""
        children.stop([service.child for service in self._services if service.child], patience=patience)
        self._services = []
        if self.cluster is not None:
            self.cluster.stop()
        for listener in self._sockets:
            listener.close()
        self._sockets = []
        if self._lock is not None:
            running.withdraw(self.folder)
            self._lock.truncate(0)
            self._lock.close()
            self._lock = None

    def destroy(self) -> None:
        """Stop, and delete the embedded database, also where it lies outside the folder."""
        self.stop(patience=0.5)
        if self.cluster is not None:
            self.cluster.destroy()

    def watch(self) -> None:
        """Start again whatever ends; returns never, but ends with a signal's exception."""
        while True:
            self.mend()
            time.sleep(0.5)

    def mend(self) -> None:
        """Start what has ended, the later the more often it did."""
        if self.cluster is not None and not self.cluster.is_alive:
            self._console.line("  PostgreSQL ended; starting it again")
            self.cluster.start()
        for service in self._services:
            self._mend(service)
        if time.monotonic() >= self._look_at:
            self._end_what_hangs()

    def _end_what_hangs(self) -> None:
        """What lives and does nothing, looked for now and then, since asking is not cheap."""
        self._look_at = time.monotonic() + LOOK_EVERY
        if self.cluster is not None:
            # A start looks stuck for a moment, too.
            was_stuck, self._looked_stuck = self._looked_stuck, self.cluster.is_stuck
            if was_stuck and self._looked_stuck:
                self._console.line("  PostgreSQL neither answers nor recovers; starting it again")
                self.cluster.start()
        for service in self._services:
            if service.name == "worker" and service.child is not None and self._is_silent(service):
                self._console.line("  The worker is silent; ending it")
                children.stop([service.child], patience=1)

    def _is_silent(self, worker: Service) -> bool:
        """A child of Celery's pool that is killed at the wrong moment takes a lock along: the others wait for ever.

        Then no sweep is seen, and no job's lease is kept, which whoever works for long would renew.
        """
        silent = max(30.0, 4 * float(self.env.get("SWEEP_SECONDS", "30")))
        if time.monotonic() - worker.started_at < silent:
            return False
        with suppress(psycopg.Error), psycopg.connect(self.env["DATABASE_URL"], connect_timeout=2) as session:
            return bool((session.execute(_SILENT, [silent]).fetchone() or [False])[0])
        return False

    def _start(self) -> None:
        # Photos and keys lie below: closed to others, but for the way to the database, who is somebody else under root.
        self.folder.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        (self.folder / "logs").mkdir(mode=0o700, exist_ok=True)
        self._lock_folder()
        self._listen()
        self.env = self._environment()
        if not self.env.get("DATABASE_URL"):
            self._start_database()
        self._prepare_database()
        running.announce(self.folder, self.env)
        with self._console.step("Web, worker and beat"):
            self._start_services()
            self._wait_for_answer()

    def _lock_folder(self) -> None:
        path = self.folder / "lock"
        lock = path.open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            address = path.read_text().strip() or "an address of its own"
            lock.close()
            raise StackError(f"The portal already runs from {self.folder}, at {address}.") from None
        self._lock = lock

    def _listen(self) -> None:
        """Hold the port from now on: nobody takes it while the rest starts, or while the web server restarts."""
        self._wait_for_the_killed()
        first = _listener(socket.AF_INET, "127.0.0.1", self._port)
        if first is None:
            raise StackError("This machine has no loopback interface.")
        self._sockets = [first]
        port = first.getsockname()[1]
        second = _listener(socket.AF_INET6, "::1", port)
        self._sockets += [second] if second else []
        self.url = f"http://localhost:{port}"
        if self._lock is not None:
            self._lock.truncate(0)
            self._lock.write(self.url)
            self._lock.flush()

    def _wait_for_the_killed(self) -> None:
        """A stack that was killed left its address in the lock; its web server takes some seconds to end."""
        former = (self.folder / "lock").read_text()
        if former == f"http://localhost:{self._port}":
            children.wait_until(lambda: _is_free(self._port), seconds=10)

    def _environment(self) -> dict[str, str]:
        own = {
            "SITE_URL": self.url,
            "BROKER_FOLDER": str(self.folder / "broker"),
            "PACKS_FOLDER": str(PROJECT / "var" / "packs"),
        }
        filled = {**own, **(variables.demo_defaults(self.folder) if self.demo else {}), **self._given}
        missing = variables.missing(filled, demo=self.demo)
        if missing:
            raise StackError(f"{' and '.join(missing)} must be set outside the demo: .env.example says what for.")
        debug = filled.get("DEBUG", "").lower() in {"1", "true", "yes", "on"}
        secret_key = filled["SECRET_KEY"]
        if fault := env.unsafe(site_url=filled["SITE_URL"], secret_key=secret_key, demo=self.demo, debug=debug):
            raise StackError(fault)
        filled |= {"DEMO": "1" if self.demo else "0", "DJANGO_SETTINGS_MODULE": "portal.settings"}
        return {**variables.surroundings(), **filled, "PYTHONUNBUFFERED": "1"}

    def _start_database(self) -> None:
        self.cluster = Cluster(self.folder / "postgresql")
        with self._console.step("PostgreSQL"):
            self.cluster.start()
            self.cluster.create_database(DATABASE)
            self.env["DATABASE_OWNER_URL"] = self.cluster.owner_url(DATABASE)
            self.env["DATABASE_FOLDER"] = str(self.cluster.data)
            for variable, role in ROLES.items():
                password = variables.kept_secret(self.folder, variable)
                self.env[variable] = self.cluster.url(role, password, DATABASE)

    def _prepare_database(self) -> None:
        """Migrations, grants and the face pack unless this database has had exactly these; the demo world once."""
        kept = self.cluster.folder if self.cluster else self.folder  # deleted together with what it describes
        stamp, world = kept / "prepared.json", kept / "world.json"
        digest = _digest_of_code(self.folder / "secrets", self.env.get("PACK", ""))
        prepared = json.loads(stamp.read_text()) if stamp.exists() and self.cluster else {}
        lacks_world = self.demo and not world.exists()
        if prepared.get("digest") != digest or not _are_unchanged(prepared.get("files", {})) or lacks_world:
            report = self._prepare(with_world=lacks_world)
            prepared = {"digest": digest, "pack": report["pack"], "files": report["files"]}
            if lacks_world:
                variables.write_private(world, json.dumps(report["world"]))
            variables.write_private(stamp, json.dumps(prepared))
        self.pack = prepared["pack"]
        self.world = json.loads(world.read_text()) if self.demo else {}

    def _prepare(self, *, with_world: bool) -> dict[str, Any]:
        options = ["--world", str(self.folder / "pictures")] if with_world else []
        options += [] if self.pictures else ["--without-pictures"]
        title = "Tables, roles, face pack"
        with self._console.step(f"{title}, demo world" if with_world else title):
            report: dict[str, Any] = json.loads(self.manage("prepare", *options, title=title))
        return report

    def manage(self, *arguments: str, title: str = "", on_line: Callable[[str], None] | None = None) -> str:
        """Run one management command to its end and return what it printed, of which `on_line` is told each line as
        it comes. Raises StackError."""
        log = self.folder / "logs" / f"{arguments[0]}.log"
        printed = log.with_suffix(".out")
        command = [sys.executable, str(PROJECT / "manage.py"), *arguments]
        with _private(log) as errors, _private(printed) as output:
            child = children.spawn(command, env=self.env, folder=PROJECT, output=output, errors=errors)
            try:
                with printed.open() as lines:
                    while child.poll() is None:
                        self._console.dot()
                        for line in lines:
                            if on_line is not None:
                                on_line(line.strip())
                        time.sleep(0.05)
            finally:
                children.stop([child])
            text = printed.read_text()
            printed.unlink()
            if child.returncode != 0:
                raise StackError(_complaint(title or arguments[0], log))
        return text.strip()

    def _start_services(self) -> None:
        self._services = [
            Service("web", self._web()),
            Service("worker", [*_celery("worker"), "-c", "2", "--without-gossip", "--without-mingle"]),
            Service("beat", [*_celery("beat"), "--pidfile=", "-s", str(self.folder / "beat")]),
        ]
        for service in self._services:
            self._spawn(service)

    def _web(self) -> list[str]:
        listeners = [f"--bind=fd://{listener.fileno()}" for listener in self._sockets]
        return [sys.executable, "-m", "gunicorn", "--config=python:portal.gunicorn_options", *listeners]

    def _spawn(self, service: Service) -> None:
        log = self.folder / "logs" / f"{service.name}.log"
        with _private(log, keep=True) as output:
            service.child = children.spawn(
                service.command,
                env={name: value for name, value in self.env.items() if name != "DATABASE_OWNER_URL"},
                folder=PROJECT,
                output=output,
                keep_open=[listener.fileno() for listener in self._sockets] if service.name == "web" else [],
            )
        service.started_at = time.monotonic()

    def _mend(self, service: Service) -> None:
        now = time.monotonic()
        if service.child is not None and service.child.poll() is not None:
            children.stop([service.child])  # what it left running in its group
            service.child = None
            service.failures = 1 if now - service.started_at > 60 else service.failures + 1
            pause = min(LONGEST_PAUSE, 2.0 ** (service.failures - 1)) if service.failures > 1 else 0.0
            service.due_at = now + pause
            self._console.line(f"  The {service.name} ended; starting it again in {pause:.0f} s")
        if service.child is None and now >= service.due_at:
            self._spawn(service)

    def _wait_for_answer(self) -> None:
        deadline = time.monotonic() + SECONDS_TO_ANSWER
        while not self._answers():
            ended = [service for service in self._services if service.child and service.child.poll() is not None]
            if ended:
                log = self.folder / "logs" / f"{ended[0].name}.log"
                raise StackError(_complaint(f"Starting the {ended[0].name}", log))
            if time.monotonic() > deadline:
                raise StackError(_complaint("Waiting for an answer", self.folder / "logs" / "web.log"))
            self._console.dot()
            time.sleep(0.1)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(self.url).port, timeout=5)
        try:
            connection.request("GET", "/healthz", headers={"Host": urlsplit(self.url).netloc})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _celery(part: str) -> list[str]:
    return [sys.executable, "-m", "celery", "-A", "portal.celery", part, "--loglevel=WARNING"]


def _listener(family: socket.AddressFamily, host: str, port: int) -> socket.socket | None:
    """A listening socket; None where the machine has no such address."""
    try:
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return None
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise StackError(f"Port {port} is taken: stop what uses it, or choose another with PORT=…") from None
        if error.errno == errno.EACCES:
            raise StackError(f"Port {port} is reserved for root: choose one above 1023 with PORT=…") from None
        return None
    return listener


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _private(path: Path, *, keep: bool = False) -> IO[bytes]:
    """A file only its owner can read, emptied unless it is to be kept; a long one moves aside."""
    if keep and path.exists() and path.stat().st_size > LOG_BYTES_KEPT:
        path.replace(path.with_suffix(".log.1"))
    flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if keep else os.O_TRUNC)
    return os.fdopen(os.open(path, flags, 0o600), "ab" if keep else "wb")


def _digest_of_code(secrets: Path, pack: str) -> str:
    """Changes whenever a migration, a grant, a role's password or the pack might."""
    digest = hashlib.sha256(pack.encode())
    code = [path for package in ("portal", "matching") for path in sorted((PROJECT / package).rglob("*.py"))]
    for path in [*code, *([secrets] if secrets.exists() else [])]:
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def _are_unchanged(files: Mapping[str, str]) -> bool:
    """Whether the face pack's files, path to SHA-256, are those it was prepared with."""
    try:
        return all(hashlib.sha256(Path(path).read_bytes()).hexdigest() == digest for path, digest in files.items())
    except OSError:
        return False


def _complaint(title: str, log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    if any("No space left on device" in line for line in lines):
        return f"The disk that holds {log.parent.parent} is full: free some space and start again."
    if lines and lines[-1].startswith("CommandError: "):
        return lines[-1].removeprefix("CommandError: ")
    return f"{title} failed: {lines[-1].rstrip('.') if lines else 'no reason was given'} (more in {log})."


def _why_not(error: OSError, folder: Path) -> str:
    if error.errno == errno.ENOSPC:
        return f"The disk that holds {folder} is full: free some space and start again."
    return f"The portal cannot start: {error.strerror or error}{f' ({error.filename})' if error.filename else ''}."
