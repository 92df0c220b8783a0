"""Deleting a row leaves its bytes on disk. This rewrites the tables and turns the log over.

The order matters and was measured: rewrite once no older snapshot is left, then switch the log, then
checkpoint. Without the switch the log keeps every deleted row; with an older snapshot the rewrite does.
"""

import time
from collections.abc import Iterable
from uuid import UUID

import structlog
from django.db import NotSupportedError, OperationalError, ProgrammingError, connection, transaction
from django.db.models import Max, QuerySet

from matching.erasure import disk_residue
from matching.index import ELSEWHERE
from matching.index import store as index
from matching.models import Residue
from matching.types import PurgeReport

log = structlog.get_logger()

# A rewrite that waits for its lock holds up every reader that comes after it. So it takes the lock in passing, many
# times, and only then waits, as long as a reader may be held up.
TRIES_WITHOUT_WAITING = 50
PAUSE = 0.05  # seconds
TRIES_WAITING = 20
LOCK_TIMEOUT = "200ms"
# The rewrite itself holds readers up too: about 80 ms for 18 MB, where a core is free.
SMALL_TABLE = 64 * 1024**2  # bytes of a table of the caller
SNAPSHOT_WAIT = 30.0  # seconds
# A log file that was kept for reuse and is the current one now still holds old rows behind what is written into it, and
# looks like any other. So the log is clean once it was found so twice, with a turn in between.
CLEAN_ROUNDS, MAX_ROUNDS = 2, 10

# A rewrite keeps every row that some snapshot may still see. Its own snapshot reaches back to the oldest
# transaction still writing, in any database of the server; others' snapshots count in this database alone,
# those of standby servers and replication slots always. Snapshots are told in 32 bits; age() counts
# transactions back from now, so the difference of two ages carries them over to 64.
HORIZON = """
WITH own AS (
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest
), held AS (
    SELECT backend_xmin AS oldest FROM pg_stat_activity
    WHERE (datname = current_database() OR datname IS NULL) AND pid <> pg_backend_pid()
    UNION ALL
    SELECT xmin FROM pg_replication_slots
)
SELECT own.oldest - greatest(0, (SELECT max(age(held.oldest)) FROM held) - age((own.oldest % 4294967296)::text::xid))
FROM own
"""


def purge(also: Iterable[str] = ()) -> PurgeReport:
    """Rewrite each table whose oldest deletion no snapshot can see any more, whatever was deleted from it since.

    `also` names tables of the caller, which are rewritten if they are small: what they held was sealed anyway.
    """
    if connection.in_atomic_block:
        raise transaction.TransactionManagementError("A table cannot be rewritten inside a transaction.")
    newest = Residue.objects.aggregate(newest=Max("deleted_in"))["newest"] or 0
    unseen = Residue.objects.filter(deleted_in__lt=wait_for_snapshots(newest))
    rewritten = tuple(relation for relation in relations(unseen) if rewrite(relation))
    small = tuple(relation for relation in also if bytes_of(relation) <= SMALL_TABLE and rewrite(relation))
    log_recycled, log_left = recycle_log()
    strays = disk_residue.clear_stray_files()
    # Last, so that a purge cut short is done again. All of these were deleted before the horizon was measured.
    unseen.filter(relation__in=rewritten).delete()
    unfinished = relations(Residue.objects.filter(deleted_in__lte=newest))
    report = PurgeReport(rewritten + small, unfinished, log_recycled, log_left, strays)
    log.info("matching.purged", rewritten=len(rewritten), unfinished=len(unfinished), log_recycled=log_recycled)
    if report.left_behind:
        log.warning("matching.purge_left_files_behind", log_files=log_left, stray_files=strays)
    return report


def unpurged(image_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Those of the images of which a table may still hold rows. A residue without an image id may be of any image."""
    if Residue.objects.filter(image_id=UUID(int=0)).exists():
        return frozenset(image_ids)
    return frozenset(Residue.objects.filter(image_id__in=list(image_ids)).values_list("image_id", flat=True))


def relations(residues: QuerySet[Residue]) -> tuple[str, ...]:
    return tuple(residues.order_by("relation").values_list("relation", flat=True).distinct())


def wait_for_snapshots(newest: int) -> int:
    """The horizon, as soon as it has passed the newest deletion, or after SNAPSHOT_WAIT in any case."""
    until = time.monotonic() + SNAPSHOT_WAIT
    while (reached := horizon()) <= newest and time.monotonic() < until:
        time.sleep(0.1)
    return reached


def horizon() -> int:
    """The oldest transaction id that still matters: no snapshot can see what earlier transactions deleted."""
    with connection.cursor() as cursor:
        cursor.execute(HORIZON)
        return int(cursor.fetchone()[0])


def rewrite(relation: str) -> bool:
    if ELSEWHERE in relation:
        return index().rewrite(relation)
    if not may_rewrite(relation) or not (rewrite_without_waiting(relation) or rewrite_waiting(relation)):
        log.warning("matching.purge_could_not_rewrite", relation=relation)
        return False
    return True


def may_rewrite(relation: str) -> bool:
    """Asked first, because PostgreSQL only warns if the right is missing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(%s, 'MAINTAIN')", [relation])
        return bool(cursor.fetchone()[0])


def rewrite_without_waiting(relation: str) -> bool:
    """Try to take the lock without queueing for it, so that no reader is held up."""
    for _ in range(TRIES_WITHOUT_WAITING):
        if vacuum_full(relation, "FULL, SKIP_LOCKED"):
            return True
        time.sleep(PAUSE)
    return False


def rewrite_waiting(relation: str) -> bool:
    """Queue for the lock, because somebody reads the table all the time."""
    return any(vacuum_full(relation, "FULL") for _ in range(TRIES_WAITING))


def vacuum_full(relation: str, options: str) -> bool:
    """True if the table is in a new file now; PostgreSQL only warns if it skipped the table."""
    before = file_of(relation)
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        try:
            cursor.execute(f"VACUUM ({options}) {connection.ops.quote_name(relation)}")
        except OperationalError:  # the lock was not to be had in time
            return False
        finally:
            cursor.execute("RESET lock_timeout")
    return file_of(relation) != before


def bytes_of(relation: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size(%s::regclass)", [relation])
        return int(cursor.fetchone()[0])


def file_of(relation: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_filenode(%s::regclass)", [relation])
        return int(cursor.fetchone()[0])


def recycle_log() -> tuple[bool, tuple[str, ...] | None]:
    """Whether the server recycled its log, and which log files may still hold deleted rows (None: not seen)."""
    before = disk_residue.current_log_file()
    clean, left = 0, None
    for _ in range(MAX_ROUNDS):
        if not recycle_log_once():
            return False, None
        left = disk_residue.log_files(before)
        if left is None:
            return True, None
        clean = 0 if left else clean + 1
        if clean == CLEAN_ROUNDS:
            break
    return True, left


def recycle_log_once() -> bool:
    """False if the server refuses to switch the log or to make a checkpoint, as managed servers do."""
    refused = [statement for statement in ("SELECT pg_switch_wal()", "CHECKPOINT") if not run_if_permitted(statement)]
    if refused:
        log.warning("matching.purge_may_not_turn_the_log_over", refused=refused)
    return not refused


def run_if_permitted(statement: str) -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    except (ProgrammingError, NotSupportedError):  # the right, or the function itself, is missing
        return False
    return True
