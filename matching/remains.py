"""Where deleted rows may lie once every table is rewritten: in used log files, and in files of no table.

A server that was killed inside VACUUM FULL leaves the file it was writing. Nothing that PostgreSQL does later takes it
away (tried: switch and checkpoint, another VACUUM FULL, a restart), and nothing is removed by hand here: it is named,
and nothing is called purged until it is gone. A copy of the database does not have it; see the runbook
`why-is-a-removal-not-purged`.
"""

from django.db import NotSupportedError, ProgrammingError, connection

CURRENT_LOG_FILE = "SELECT pg_walfile_name(pg_current_wal_lsn())"
# Older than where the last checkpoint begins, or newer than what is written now, as one kept for reuse is; and all of
# them while that checkpoint begins no later than `before`. Archived log files lie where nobody can look from here.
LOG_FILES = r"""
SELECT file.name FROM pg_ls_waldir() AS file, pg_control_checkpoint() AS last
WHERE file.name !~ '\.(history|backup)$' AND (
    file.name !~ '^[0-9A-F]{24}$'
    OR file.name NOT BETWEEN last.redo_wal_file AND pg_walfile_name(pg_current_wal_lsn())
    OR last.redo_wal_file <= %(before)s
)
"""
IS_ARCHIVED = "SELECT current_setting('archive_mode') <> 'off'"
# A file without content is one that the next checkpoint takes away.
STRAY_FILES = r"""
WITH folder AS (SELECT regexp_replace(pg_relation_filepath('pg_class'), '/[^/]+$', '') AS path)
SELECT file FROM folder, pg_ls_dir(folder.path, true, false) AS file,
    LATERAL pg_stat_file(folder.path || '/' || file, true) AS stat
WHERE file ~ '^[0-9]+([._].*)?$' AND stat.size > 0 AND NOT EXISTS (
    SELECT FROM pg_class WHERE pg_relation_filenode(oid) = substring(file FROM '^[0-9]+')::oid
)
ORDER BY file
"""


def current_log_file() -> str:
    with connection.cursor() as cursor:
        cursor.execute(CURRENT_LOG_FILE)
        return str(cursor.fetchone()[0])


def log_files(before: str) -> tuple[str, ...] | None:
    """Those that may hold what was written up to the file `before`; None where the server does not let us look."""
    with connection.cursor() as cursor:
        cursor.execute(IS_ARCHIVED)
        is_archived = cursor.fetchone()[0]
    return None if is_archived else _seen(LOG_FILES, before=before)


def stray_files() -> tuple[str, ...] | None:
    """Files in the database's folder that belong to no table; None where the server does not let us look.

    One that a transaction is about to fill looks the same: look again before believing it.
    """
    return _seen(STRAY_FILES)


def _seen(query: str, **values: str) -> tuple[str, ...] | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(query, values or None)
            return tuple(name for (name,) in cursor.fetchall())
    except (ProgrammingError, NotSupportedError):  # the right, or the function itself, is missing
        return None
