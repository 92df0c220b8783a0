"""Where deleted rows may lie once every table is rewritten: in used log files, and in files of no table.

A server that was killed inside VACUUM FULL leaves the file it was writing. Nothing that PostgreSQL does later takes it
away (tried: switch and checkpoint, another VACUUM FULL, a restart). Where its folder is within reach, as that of the
embedded server is, such a file is deleted here; elsewhere it is named, and nothing is called purged until it is gone. A
copy of the database does not have it; see the runbook `why-is-a-removal-not-purged`.
"""

import time
from pathlib import Path

import structlog
from django.conf import settings
from django.db import NotSupportedError, ProgrammingError, connection

log = structlog.get_logger()

PATIENCE = 30.0  # seconds that a transaction is waited for whose file this may be
PAUSE = 0.05

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

FOLDER = "SELECT regexp_replace(pg_relation_filepath('pg_class'), '/[^/]+$', '')"
# Each transaction holds the lock of its own number for as long as it lasts; a prepared one has no session.
UNDER_WAY = """
SELECT virtualtransaction FROM pg_locks WHERE locktype = 'virtualxid' AND pid <> pg_backend_pid()
UNION ALL
SELECT gid FROM pg_prepared_xacts
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
    return None if is_archived else _names_or_none(LOG_FILES, before=before)


def stray_files() -> tuple[str, ...] | None:
    """Files in the database's folder that belong to no table; None where the server does not let us look.

    One whose table some transaction is still making looks the same.
    """
    return _names_or_none(STRAY_FILES)


def clear_stray_files() -> tuple[str, ...] | None:
    """What is left of the stray files once those are deleted that are nobody's, where the server's folder is ours.

    After a checkpoint, so that the server has nothing more to write there. Once every transaction of the time when a
    file was seen is over, it has its table, or has gone with the transaction, or is nobody's; one that goes on for
    longer leaves us without knowing, and the file named.
    """
    found = stray_files()
    if not found:
        return found
    over = _have_ended(_under_way())
    strays = sorted(set(found).intersection(stray_files() or ()))
    folder = settings.MATCHING.get("DATABASE_FOLDER")
    if folder is None or not over:
        return tuple(strays)
    own = Path(str(folder)) / _own_folder()
    return tuple(name for name in strays if not _is_deleted(own / name))


def _is_deleted(file: Path) -> bool:
    try:
        file.unlink()
    except OSError as error:
        log.warning("matching.stray_file_stays", file=file.name, error=type(error).__name__)
        return False
    log.info("matching.stray_file_deleted", file=file.name)
    return True


def _have_ended(transactions: frozenset[str]) -> bool:
    until = time.monotonic() + PATIENCE
    while transactions & _under_way():
        if time.monotonic() > until:
            return False
        time.sleep(PAUSE)
    return True


def _under_way() -> frozenset[str]:
    with connection.cursor() as cursor:
        cursor.execute(UNDER_WAY)
        return frozenset(name for (name,) in cursor.fetchall())


def _own_folder() -> str:
    """Of this database, within the server's."""
    with connection.cursor() as cursor:
        cursor.execute(FOLDER)
        return str(cursor.fetchone()[0])


def _names_or_none(query: str, **values: str) -> tuple[str, ...] | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(query, values or None)
            return tuple(name for (name,) in cursor.fetchall())
    except (ProgrammingError, NotSupportedError):  # the right, or the function itself, is missing
        return None
