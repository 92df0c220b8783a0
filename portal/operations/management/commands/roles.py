"""Database roles: who may do what, as one table, applied after every migration."""

from typing import Any, cast

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import ProgrammingError
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from portal.core import owner
from portal.operations import regulator_role

APP, REGULATOR = "takedown_app", "takedown_regulator"
# Rows are added, never changed.
APPEND_ONLY = (
    "audit_entry",
    "audit_root",
    "ledger_leaf",
    "ledger_position",
    "ledger_checkpoint",
    "ledger_keychange",
)
# What a regulator may read: the newest release of the figures, counted from the aggregates beneath.
RELEASED = "statistics_released"


class Command(BaseCommand):
    help = (
        "As the database's owner: create the roles named in DATABASE_URL and DATABASE_REGULATOR_URL, and grant them"
        " what they need."
    )

    def handle(self, **_options: Any) -> None:
        with owner.connection().cursor() as cursor:
            ensure_roles(cursor)
            grant(cursor)
            are_confined = regulator_role.confine(cursor, REGULATOR, worker=APP)
            refused = grant_to_purge(cursor)
            is_closed = are_large_objects_closed(cursor)
        self.stdout.write("Database roles are in place.")
        if not are_confined:
            self.stdout.write("Anybody may still see counters: run portal/core/database_owner.sql as superuser.")
        if not is_closed:
            self.stdout.write("Anybody may still make large objects: run portal/core/database_owner.sql as superuser.")
        if refused:
            self.stdout.write("This server did not grant, so less can be said of a purge: " + ", ".join(refused))


def ensure_roles(cursor: CursorWrapper) -> None:
    """Give each role its login; an owner that logs in as itself (tests) keeps its own."""
    for role, alias in ((APP, "default"), (REGULATOR, "regulator")):
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        if cursor.fetchone() is None:
            cursor.execute(_sql("CREATE ROLE {} LOGIN", role))
        wanted = settings.DATABASES[alias]
        if wanted["USER"] == role and wanted["PASSWORD"]:
            cursor.execute(_sql("ALTER ROLE {} LOGIN PASSWORD {}", role, password=wanted["PASSWORD"]))


def grant(cursor: CursorWrapper) -> None:
    """Everything is withdrawn and granted anew, so that this file alone says what holds."""
    for role in (APP, REGULATOR):
        cursor.execute(_sql("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}", role))
        cursor.execute(_sql("GRANT USAGE ON SCHEMA public TO {}", role))
    cursor.execute(_sql("GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON ALL TABLES IN SCHEMA public TO {}", APP))
    cursor.execute(_sql("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {}", APP))
    for table in APPEND_ONLY:
        # MAINTAIN would let it be rewritten, and locked for as long as one likes.
        cursor.execute(_sql("REVOKE UPDATE, DELETE, MAINTAIN ON {} FROM {}", table, APP))
    cursor.execute("SELECT current_database()")
    (database,) = cursor.fetchone()
    # Whoever needs no temporary table could fill the disk with them, out of sight of every purge.
    cursor.execute(_sql("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC", database))
    cursor.execute(_sql("GRANT SELECT ON {} TO {}", RELEASED, REGULATOR))


# To purge: rewriting tables is MAINTAIN above; recycling the log needs the first two, seeing who still holds an old
# snapshot the third, and seeing what is left on the disk, by its names, the others.
TO_PURGE = (
    "pg_checkpoint",
    "EXECUTE ON FUNCTION pg_switch_wal()",
    "pg_read_all_stats",
    "EXECUTE ON FUNCTION pg_ls_waldir()",
    "EXECUTE ON FUNCTION pg_ls_dir(text, boolean, boolean)",
    "EXECUTE ON FUNCTION pg_stat_file(text, boolean)",
)


def grant_to_purge(cursor: CursorWrapper) -> list[str]:
    """Returns what a managed server refused: then less is claimed of a purge."""
    refused = []
    for right in TO_PURGE:
        try:
            cursor.execute(_sql(f"GRANT {right} TO {{}}", APP))
        except ProgrammingError:
            refused.append(right)
    return refused


def are_large_objects_closed(cursor: CursorWrapper) -> bool:
    """The server's superuser alone can close them (portal/core/database_owner.sql)."""
    cursor.execute(
        "SELECT has_function_privilege(%s, 'lo_creat(integer)', 'EXECUTE')"
        " OR has_function_privilege(%s, 'lo_from_bytea(oid, bytea)', 'EXECUTE')",
        [APP, REGULATOR],
    )
    return not cursor.fetchone()[0]


def _sql(template: str, *names: str, password: str | None = None) -> str:
    parts: list[sql.Composable] = [sql.Identifier(name) for name in names]
    if password is not None:
        parts.append(sql.Literal(password))
    return sql.SQL(cast(Any, template)).format(*parts).as_string(None)
