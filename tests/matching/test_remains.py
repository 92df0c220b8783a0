"""What a PostgreSQL keeps of deleted rows beside its tables is seen, and by what means it goes."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from matching import remains
from portal.core.embedded import Cluster

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
    return psycopg.connect(cluster.owner_url(database), autocommit=True)


def strays(session: Session) -> list[str]:
    return [name for (name,) in session.execute(remains.STRAY_FILES).fetchall()]


def log_files(session: Session, before: str) -> list[str]:
    return [name for (name,) in session.execute(remains.LOG_FILES, {"before": before}).fetchall()]


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
        (before,) = session.execute(remains.CURRENT_LOG_FILE).fetchone() or ("",)
        assert before in log_files(session, before)
        session.execute("CHECKPOINT")
        assert before in log_files(session, before)
        turn_over(session)
        assert log_files(session, before) == []


def test_a_log_that_a_slot_holds_back_or_that_is_kept_for_reuse_is_seen(cluster: Cluster) -> None:
    with connect(cluster) as session:
        (before,) = session.execute(remains.CURRENT_LOG_FILE).fetchone() or ("",)
        session.execute("SELECT pg_create_physical_replication_slot('held', true)")
        turn_over(session)
        assert before in log_files(session, before)
        session.execute("SELECT pg_drop_replication_slot('held')")
        turn_over(session)
        assert log_files(session, before) == []
        (cluster.data / "pg_wal" / "0000000100000000000000FF").write_bytes(bytes(16 * 1024**2))
        assert log_files(session, before) == ["0000000100000000000000FF"]
