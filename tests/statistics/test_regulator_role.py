"""What the regulator's database role can read, over a connection of its own."""

import secrets
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connections
from psycopg import sql

from portal.cases.states import State
from portal.operations.management.commands.roles import APP, REGULATOR
from portal.statistics import figures, releases
from tests.builders import make_case

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


def test_it_reads_the_newest_release_and_no_view_beneath(regulator: psycopg.Connection) -> None:
    regulator.execute("SELECT at, figures FROM statistics_released")
    views = [name for name in relations("v") if name != "statistics_released"]
    assert len(views) == 10
    for name in views:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            regulator.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name)))


def test_it_reads_nothing_beneath(regulator: psycopg.Connection) -> None:
    tables = relations("rp")
    assert {"cases_case", "audit_entry", "takedowns_takedown", "matching_face", "accounts_user"} <= set(tables)
    for name in tables:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            regulator.execute(sql.SQL("SELECT 1 FROM {}").format(sql.Identifier(name)))


def test_it_changes_nothing(regulator: psycopg.Connection) -> None:
    attempts = (
        "DELETE FROM statistics_released",
        "CREATE TABLE mine (n int)",
        "CREATE TEMPORARY TABLE mine (n int)",
        "CREATE VIEW mine AS SELECT 1",
        "CREATE SCHEMA mine",
    )
    regulator.execute("SET default_transaction_read_only = off")  # a default, which anybody may change
    for attempt in attempts:
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState)):
            regulator.execute(attempt)


COUNTERS = (
    "SELECT n_tup_ins FROM pg_stat_user_tables",
    "SELECT xact_commit FROM pg_stat_database",
    "SELECT * FROM pg_stat_activity",
    "SELECT * FROM pg_statio_user_tables",
    "SELECT pg_stat_get_tuples_inserted('cases_case'::regclass)",
    "SELECT pg_stat_get_live_tuples('cases_case'::regclass)",
    "SELECT pg_relation_size('cases_case')",
    "SELECT pg_total_relation_size('cases_case')",
    "SELECT pg_database_size(current_database())",
    "SELECT reltuples, relpages FROM pg_class",
    "SELECT pg_current_wal_lsn()",
    "SELECT pg_current_snapshot()",
    "SELECT pg_current_xact_id()",
    "SELECT txid_current()",
    "SELECT * FROM pg_locks",
    "SELECT last_value FROM pg_sequences",
    "SELECT pg_sequence_last_value('audit_entry_id_seq')",
)


@pytest.mark.parametrize("asked", COUNTERS)
def test_it_sees_no_counter_that_moves_with_a_case(regulator: psycopg.Connection, asked: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        regulator.execute(asked)


def test_the_application_still_sees_what_it_needs(regulator: psycopg.Connection) -> None:
    needed = ("pg_catalog.pg_class", "pg_catalog.pg_stat_activity", "pg_catalog.pg_locks")
    with connections["default"].cursor() as cursor:
        for name in needed:
            cursor.execute("SELECT has_table_privilege(%s, %s, 'SELECT')", [APP, name])
            assert cursor.fetchone() == (True,)
        cursor.execute("SELECT has_function_privilege(%s, 'pg_relation_size(regclass, text)', 'EXECUTE')", [APP])
        assert cursor.fetchone() == (True,)


def test_its_statements_end_after_some_seconds(regulator: psycopg.Connection) -> None:
    assert regulator.execute("SHOW statement_timeout").fetchone() == ("5s",)
    assert regulator.execute("SHOW default_transaction_read_only").fetchone() == ("on",)


def test_a_release_has_no_row_about_one_case_and_no_state_finer_than_three(regulator: psycopg.Connection) -> None:
    make_case(State.REVIEW)
    shown = figures.written(releases.counted())
    assert set(shown) == {
        "as_of", "received", "open", "closed", "refused", "overdue", "images_deleted", "images_open", "orders",
        "orders_open", "images_deleted_by_order", "places", "weeks", "blocks", "kept_out", "removals_purged",
        "removals_purged_log_unseen", "times",
    }  # fmt: skip
    assert set(shown["times"]) <= {"closed", "hidden", "removed", "purged"}
    assert not {"review", "searching", "erasing", "settled"} & set(str(shown).replace("'", " ").split())
