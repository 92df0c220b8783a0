"""The database's owner: no superuser, and known to the commands that need it alone."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from portal.backups.dumps import _found
from portal.local.embedded import Cluster
from portal.operations.management.commands.roles import APP, REGULATOR

PROJECT = Path(__file__).resolve().parents[2]
ATTEMPTS = {
    "a large object": "SELECT lo_from_bytea(0, 'x')",
    "an empty large object": "SELECT lo_creat(-1)",
    "a temporary table": "CREATE TEMPORARY TABLE mine (n int)",
    "a table": "CREATE TABLE mine (n int)",
    "a lock on the trail": "LOCK TABLE audit_entry IN ACCESS EXCLUSIVE MODE",
}


@pytest.mark.django_db
@pytest.mark.parametrize("role", [APP, REGULATOR])
@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_neither_app_nor_regulator_may_make(role: str, attempt: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {role}")
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            cursor.execute(attempt)
        cursor.execute("RESET ROLE")


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["audit_entry", "audit_root", "ledger_leaf", "ledger_position"])
def test_the_application_may_not_rewrite_the_trail(table: str) -> None:
    """VACUUM itself would only warn."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(%s, %s, 'MAINTAIN')", [APP, table])
        assert cursor.fetchone() == (False,)


def test_a_command_that_needs_the_owner_says_so_where_it_is_not_known(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_OWNER_URL"}
    for command in (["roles"], ["backup", str(tmp_path / "backup")]):
        done = subprocess.run(
            [sys.executable, "manage.py", *command], cwd=PROJECT, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 1
        assert "set DATABASE_OWNER_URL for it alone" in done.stderr


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Cluster]:
    server = Cluster(tmp_path / "postgresql")
    server.start()
    yield server
    server.destroy()


def test_the_owner_of_an_embedded_database_is_no_superuser(server: Cluster) -> None:
    server.create_database("takedown")
    with psycopg.connect(server.owner_url("takedown"), autocommit=True) as owner:
        assert owner.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)
        for attempt in ("COPY (SELECT 1) TO PROGRAM 'true'", "SELECT rolpassword FROM pg_authid"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                owner.execute(attempt)


def test_the_script_for_containers_makes_an_owner_with_its_password(server: Cluster, tmp_path: Path) -> None:
    with psycopg.connect(server.superuser_url("postgres"), autocommit=True) as superuser:
        superuser.execute("CREATE DATABASE takedown")
    script = tmp_path / "database.sql"
    there = str(PROJECT / "portal" / "core" / "database_owner.sql")
    script.write_text(
        (PROJECT / "portal" / "core" / "compose_database.sql").read_text().replace("/srv/database_owner.sql", there)
    )
    subprocess.run(
        [_found("psql"), "-v", "ON_ERROR_STOP=1", "-f", str(script), server.superuser_url("takedown")],
        env={**os.environ, "DATABASE_OWNER_PASSWORD": "it's secret"},
        check=True,
        capture_output=True,
    )
    with psycopg.connect(server.url("takedown_owner", "it's secret", "takedown")) as owner:
        owner.execute("CREATE TABLE mine (at halfvec(3))")


def test_a_database_of_an_earlier_version_is_refused_by_name(server: Cluster) -> None:
    server.stop()
    (server.folder / "owner").unlink()
    with pytest.raises(Exception, match="is of an earlier version, whose owner was its superuser"):
        server.start()
