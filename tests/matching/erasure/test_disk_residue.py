"""What a PostgreSQL keeps of deleted rows beside its tables is seen, and by what means it goes."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from matching import service
from matching.erasure import disk_residue
from portal.local.embedded import Cluster
from tests import environment

ROWS = 500_000
Session = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A server of its own: these tests kill one."""
    cluster = Cluster(tmp_path / "postgresql")
    cluster.start()
    cluster.create_database("faces")
    yield cluster
    cluster.destroy()


def connect(cluster: Cluster, database: str = "faces") -> Session:
    return psycopg.connect(cluster.superuser_url(database), autocommit=True)


def strays(session: Session) -> list[str]:
    return [name for (name,) in session.execute(disk_residue.STRAY_FILES).fetchall()]


def log_files(session: Session, before: str) -> list[str]:
    return [name for (name,) in session.execute(disk_residue.LOG_FILES, {"before": before}).fetchall()]


def turn_over(session: Session) -> None:
    session.execute("SELECT pg_switch_wal()")
    session.execute("CHECKPOINT")


def rewrite(cluster: Cluster) -> None:
    with suppress(psycopg.Error), connect(cluster) as session:
        session.execute("VACUUM FULL face")


def kill_while_rewriting(cluster: Cluster) -> None:
    with connect(cluster) as session:
        session.execute(f"CREATE TABLE face AS SELECT number, md5(number::text) FROM generate_series(1, {ROWS}) number")
        session.execute("DELETE FROM face WHERE number % 2 = 0")
        rewriting = threading.Thread(target=rewrite, args=[cluster])
        rewriting.start()
        while not strays(session):
            pass
        (pid,) = session.execute("SELECT pid FROM pg_stat_activity WHERE query LIKE 'VACUUM FULL%'").fetchone() or (0,)
        os.kill(pid, signal.SIGKILL)
        rewriting.join()


def test_what_a_killed_rewrite_leaves_is_seen_and_goes_with_the_old_database_alone(cluster: Cluster) -> None:
    kill_while_rewriting(cluster)
    cluster.stop()
    cluster.start()
    with connect(cluster) as session:
        left = strays(session)
        assert left
        turn_over(session)
        session.execute("VACUUM FULL face")
        turn_over(session)
        assert strays(session) == left
    with connect(cluster, "postgres") as session:
        session.execute("CREATE DATABASE copy TEMPLATE faces STRATEGY wal_log")
        session.execute("DROP DATABASE faces")
        session.execute("ALTER DATABASE copy RENAME TO faces")
    with connect(cluster) as session:
        assert strays(session) == []
        assert session.execute("SELECT count(*) FROM face").fetchone() == (ROWS // 2,)


def test_log_files_count_until_a_checkpoint_begins_behind_them(cluster: Cluster) -> None:
    with connect(cluster) as session:
        (before,) = session.execute(disk_residue.CURRENT_LOG_FILE).fetchone() or ("",)
        assert before in log_files(session, before)
        session.execute("CHECKPOINT")
        assert before in log_files(session, before)
        turn_over(session)
        assert log_files(session, before) == []


def test_a_log_that_a_slot_holds_back_or_that_is_kept_for_reuse_is_seen(cluster: Cluster) -> None:
    with connect(cluster) as session:
        (before,) = session.execute(disk_residue.CURRENT_LOG_FILE).fetchone() or ("",)
        session.execute("SELECT pg_create_physical_replication_slot('held', true)")
        turn_over(session)
        assert before in log_files(session, before)
        session.execute("SELECT pg_drop_replication_slot('held')")
        turn_over(session)
        assert log_files(session, before) == []
        (cluster.data / "pg_wal" / "0000000100000000000000FF").write_bytes(bytes(16 * 1024**2))
        assert log_files(session, before) == ["0000000100000000000000FF"]


@pytest.fixture
def own_folder(monkeypatch: pytest.MonkeyPatch) -> Path:
    data = Cluster(environment.folder() / "postgresql").data
    monkeypatch.setitem(settings.MATCHING, "DATABASE_FOLDER", data)
    return data / disk_residue._own_folder()


def leave_a_stray(folder: Path) -> Path:
    """What a killed rewrite leaves: a table's content under a number that no table has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(oid)::bigint + 1000000 FROM pg_class")
        (number,) = cursor.fetchone()
    stray = folder / str(number)
    stray.write_bytes(b"rows" * 2048)
    return stray


@pytest.mark.django_db(transaction=True)
def test_a_purge_deletes_what_a_killed_rewrite_left_where_it_can_reach_it(own_folder: Path) -> None:
    stray = leave_a_stray(own_folder)
    assert disk_residue.stray_files() == (stray.name,)
    report = service.purge()
    assert not stray.exists()
    assert report.stray_files == ()


@pytest.mark.django_db(transaction=True)
def test_out_of_reach_it_is_named_and_stays(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.MATCHING, "DATABASE_FOLDER", None)
    stray = leave_a_stray(own_folder)
    try:
        assert service.purge().stray_files == (stray.name,)
    finally:
        stray.unlink()


@pytest.mark.django_db(transaction=True)
def test_a_table_that_a_transaction_is_making_is_no_stray(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file looks like one until the commit, and is deleted under no circumstances."""
    stray = leave_a_stray(own_folder)
    with closing(another_session()) as other:
        other.execute("BEGIN")
        other.execute("CREATE TABLE in_the_making AS SELECT generate_series(1, 100000) AS number")
        assert len(disk_residue.stray_files() or ()) > 1
        monkeypatch.setattr(disk_residue, "PATIENCE", 0.3)
        assert stray.name in (disk_residue.clear_stray_files() or ())
        assert stray.exists()  # it cannot be told apart yet
        monkeypatch.setattr(disk_residue, "PATIENCE", 20.0)
        committing = threading.Timer(0.5, other.execute, ["COMMIT"])
        committing.start()
        assert disk_residue.clear_stray_files() == ()
        committing.join()
        assert not stray.exists()
        assert other.execute("SELECT sum(number) FROM in_the_making").fetchone() == (5000050000,)
        other.execute("DROP TABLE in_the_making")


def another_session() -> Session:
    url = os.environ["DATABASE_URL"].rsplit("/", 1)
    name, _, query = url[1].partition("?")
    assert name == "postgres"
    return psycopg.connect(f"{url[0]}/{connection.settings_dict['NAME']}?{query}", autocommit=True)
