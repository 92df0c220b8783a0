"""What the regulator's database role cannot do: see counters that move with every case, create anything, take long."""

from pathlib import Path

from django.db import ProgrammingError
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from portal.core import owner

# Holds what PostgreSQL otherwise shows to everybody; made by the server's superuser.
COUNTERS = "takedown_counters"
_SCRIPT = Path(owner.__file__).with_name("database_owner.sql")
_LIMITS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",
}


def confine(cursor: CursorWrapper, role: str, *, worker: str) -> bool:
    """False where the server's superuser has not taken the counters from everybody yet."""
    for name, value in _LIMITS.items():
        cursor.execute(_sql("ALTER ROLE {} SET {} = {}", role, name, sql.Literal(value)))
    for whom in ("PUBLIC", _sql("{}", role)):
        cursor.execute(f"REVOKE CREATE ON SCHEMA public FROM {whom}")
    cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    (is_superuser,) = cursor.fetchone()
    if is_superuser:  # who is the owner as well (tests)
        script = _SCRIPT.read_text(encoding="utf-8")
        cursor.execute(script[script.index("-- BEGIN counters") : script.index("-- END counters")])
    try:
        cursor.execute(_sql("GRANT {} TO {}", COUNTERS, worker))
    except ProgrammingError:
        return False
    cursor.execute("SELECT has_table_privilege('public', 'pg_catalog.pg_class', 'SELECT')")
    return not cursor.fetchone()[0]


def _sql(template: str, *parts: str | sql.Literal) -> str:
    named = [part if isinstance(part, sql.Literal) else sql.Identifier(part) for part in parts]
    return sql.SQL(template).format(*named).as_string(None)
