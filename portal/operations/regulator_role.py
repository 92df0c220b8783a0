"""What the regulator's database role cannot do: see counters that move with every case, create anything, take long.

PostgreSQL shows its counters to everybody, so they are taken from everybody and given back to whoever works here.
"""

from django.db import ProgrammingError
from django.db.backends.utils import CursorWrapper
from psycopg import sql

# Each grows, shrinks or counts with what the other roles do.
_COUNTERS = """
SELECT format('FUNCTION %s', oid::regprocedure) FROM pg_proc
WHERE pronamespace = 'pg_catalog'::regnamespace AND has_function_privilege('public', oid, 'EXECUTE')
  AND proname ~ '^(pg_stat_.*|pg_.*_size|pg_current_(wal_.*|snapshot|xact_id.*)|txid_current.*|pg_last_.*)$'
UNION ALL
SELECT format('FUNCTION %s', oid::regprocedure) FROM pg_proc
WHERE pronamespace = 'pg_catalog'::regnamespace AND has_function_privilege('public', oid, 'EXECUTE')
  AND proname IN ('pg_sequence_last_value', 'pg_lock_status', 'pg_get_replication_slots')
UNION ALL
SELECT format('TABLE pg_catalog.%I', relname) FROM pg_class
WHERE relnamespace = 'pg_catalog'::regnamespace AND has_table_privilege('public', oid, 'SELECT')
  AND relname ~ '^(pg_stat(io)?_.*|pg_class|pg_locks|pg_sequences|pg_replication_slots)$'
"""
_LIMITS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",
}


def confine(cursor: CursorWrapper, role: str, *, workers: tuple[str, ...]) -> bool:
    """False where this server lets nobody but its superuser take the counters away, and we are not."""
    for name, value in _LIMITS.items():
        cursor.execute(_sql("ALTER ROLE {} SET {} = {}", role, name, sql.Literal(value)))
    cursor.execute("SELECT current_database()")
    (database,) = cursor.fetchone()
    for right, on in (("CREATE", "SCHEMA public"), ("TEMPORARY", None)):
        where = sql.SQL(on) if on else sql.SQL("DATABASE {}").format(sql.Identifier(database))
        for whom in (sql.SQL("PUBLIC"), sql.Identifier(role)):
            cursor.execute(sql.SQL("REVOKE {} ON {} FROM {}").format(sql.SQL(right), where, whom).as_string(None))
    try:
        _take_counters(cursor, workers)
    except ProgrammingError:
        return False
    return True


def _take_counters(cursor: CursorWrapper, workers: tuple[str, ...]) -> None:
    cursor.execute("SELECT current_user")
    (owner,) = cursor.fetchone()
    cursor.execute(_COUNTERS)
    for (what,) in cursor.fetchall():
        right = "EXECUTE" if what.startswith("FUNCTION") else "SELECT"
        cursor.execute(f"REVOKE {right} ON {what} FROM PUBLIC")
        for worker in (owner, *workers):
            cursor.execute(_sql(f"GRANT {right} ON {what} TO {{}}", worker))


def _sql(template: str, *parts: str | sql.Literal) -> str:
    named = [part if isinstance(part, sql.Literal) else sql.Identifier(part) for part in parts]
    return sql.SQL(template).format(*named).as_string(None)
