"""What the regulator's database role can read, over a connection of its own."""

import secrets
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connections
from psycopg import sql

from portal.operations.management.commands.roles import REGULATOR

pytestmark = pytest.mark.django_db


@pytest.fixture
def regulator() -> Iterator[psycopg.Connection]:
    there = connections["owner"].settings_dict
    server = {
        "host": there["HOST"],
        "port": there["PORT"] or None,
        "dbname": connections["default"].settings_dict["NAME"],
    }
    password = secrets.token_urlsafe(16)
    with psycopg.connect(**server, user=there["USER"], password=there["PASSWORD"], autocommit=True) as owner:
        owner.execute(
            sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(REGULATOR), sql.Literal(password))
        )
    with psycopg.connect(**server, user=REGULATOR, password=password, autocommit=True) as connection:
        yield connection


def relations(kind: str) -> list[str]:
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = ANY(%s)",
            [list(kind)],
        )
        return [row[0] for row in cursor.fetchall()]


def test_it_reads_every_aggregate(regulator: psycopg.Connection) -> None:
    views = [name for name in relations("v") if name.startswith("statistics_")]
    assert len(views) == 10
    for name in views:
        regulator.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name)))


def test_it_reads_nothing_beneath(regulator: psycopg.Connection) -> None:
    tables = relations("rp")
    assert {"cases_case", "audit_entry", "takedowns_takedown", "matching_face", "accounts_user"} <= set(tables)
    for name in tables:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            regulator.execute(sql.SQL("SELECT 1 FROM {}").format(sql.Identifier(name)))


def test_it_changes_nothing(regulator: psycopg.Connection) -> None:
    for attempt in ("DELETE FROM statistics_states", "CREATE TABLE mine (n int)", "CREATE VIEW mine AS SELECT 1"):
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState)):
            regulator.execute(attempt)


def test_no_aggregate_has_a_row_about_one_case(regulator: psycopg.Connection) -> None:
    """No view shows a case's id, reference, key or instant."""
    rows = regulator.execute(
        "SELECT attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "WHERE c.relkind = 'v' AND c.relname LIKE 'statistics_%' AND a.attnum > 0"
    ).fetchall()
    assert {name for (name,) in rows} == {
        "state", "cases", "place", "statute", "received", "open", "due_on", "day", "settled", "closed",
        "timed", "measured", "median", "nine_in_ten", "images", "confirmed", "images_deleted",
        "blocks", "month", "asked", "refused", "purged", "log_unseen",
    }  # fmt: skip
