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
TRIES_IN_PASSING = 50
PAUSE = 0.05  # seconds
TRIES_WAITING = 20
LOCK_TIMEOUT = "200ms"
# The rewrite itself holds readers up too: about 80 ms for 18 MB, where a core is free.
REWRITTEN_IN_PASSING = 64 * 1024**2  # bytes of a table of the caller
SNAPSHOT_WAIT = 30.0  # seconds
# A log file that was kept for reuse and is the current one now still holds old rows behind what is written into it, and
# looks like any other. So the log is clean once it was found so twice, with a turn in between.
CLEAN_TURNS, MOST_TURNS = 2, 10

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
    """Each table in which the oldest deletion can no longer be seen is rewritten, whatever was deleted since.

    `also` names tables of the caller, rewritten where that takes a moment: what they held was sealed anyway.
    """
    if connection.in_atomic_block:
        raise transaction.TransactionManagementError("A table cannot be rewritten inside a transaction.")
    newest = Residue.objects.aggregate(newest=Max("deleted_in"))["newest"] or 0
    unseen = Residue.objects.filter(deleted_in__lt=wait_until_unseen(newest))
    rewritten = tuple(relation for relation in relations(unseen) if rewrite(relation))
    small = tuple(relation for relation in also if bytes_of(relation) <= REWRITTEN_IN_PASSING and rewrite(relation))
    log_turned, log_left = turn_log_over()
    strays = disk_residue.clear_stray_files()
    # Last, so that a purge cut short is done again. All of these were deleted before the horizon was measured.
    unseen.filter(relation__in=rewritten).delete()
    kept = relations(Residue.objects.filter(deleted_in__lte=newest))
    report = PurgeReport(rewritten + small, kept, log_turned, log_left, strays)
    log.info("matching.purged", rewritten=len(rewritten), kept=len(kept), log_turned=log_turned)
    if report.left_behind:
        log.warning("matching.purge_left_files_behind", log_files=log_left, stray_files=strays)
    return report


def unpurged(image_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Those of the images of which some table may still hold rows. A residue without a name may be anyone's."""
    if Residue.objects.filter(image_id=UUID(int=0)).exists():
        return frozenset(image_ids)
    return frozenset(Residue.objects.filter(image_id__in=list(image_ids)).values_list("image_id", flat=True))


def relations(residues: QuerySet[Residue]) -> tuple[str, ...]:
    return tuple(residues.order_by("relation").values_list("relation", flat=True).distinct())


def wait_until_unseen(newest: int) -> int:
    """The horizon, once it has passed the newest deletion; not for ever: what is still seen stays for the next run."""
    until = time.monotonic() + SNAPSHOT_WAIT
    while (reached := horizon()) <= newest and time.monotonic() < until:
        time.sleep(0.1)
    return reached


def horizon() -> int:
    """What transactions before this one deleted, no snapshot can see."""
    with connection.cursor() as cursor:
        cursor.execute(HORIZON)
        return int(cursor.fetchone()[0])


def rewrite(relation: str) -> bool:
    if ELSEWHERE in relation:
        return index().rewrite(relation)
    if not may_rewrite(relation) or not (rewrite_in_passing(relation) or rewrite_waiting(relation)):
        log.warning("matching.purge_could_not_rewrite", relation=relation)
        return False
    return True


def may_rewrite(relation: str) -> bool:
    """Without the right to, PostgreSQL would only warn and go on."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(%s, 'MAINTAIN')", [relation])
        return bool(cursor.fetchone()[0])


def rewrite_in_passing(relation: str) -> bool:
    """Without ever standing in a reader's way before the lock is there."""
    for _ in range(TRIES_IN_PASSING):
        if vacuum_full(relation, "FULL, SKIP_LOCKED"):
            return True
        time.sleep(PAUSE)
    return False


def rewrite_waiting(relation: str) -> bool:
    """Where somebody reads all the time."""
    return any(vacuum_full(relation, "FULL") for _ in range(TRIES_WAITING))


def vacuum_full(relation: str, options: str) -> bool:
    """True where the table lies in a new file now: what is skipped gives a warning only."""
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


def turn_log_over() -> tuple[bool, tuple[str, ...] | None]:
    """Whether the server did so, and which log files may still hold what was deleted; None where they were not seen."""
    before = disk_residue.current_log_file()
    clean, left = 0, None
    for _ in range(MOST_TURNS):
        if not turn_once():
            return False, None
        left = disk_residue.log_files(before)
        if left is None:
            return True, None
        clean = 0 if left else clean + 1
        if clean == CLEAN_TURNS:
            break
    return True, left


def turn_once() -> bool:
    """False where the server refuses one of the two, as managed servers do."""
    refused = [statement for statement in ("SELECT pg_switch_wal()", "CHECKPOINT") if not allowed(statement)]
    if refused:
        log.warning("matching.purge_may_not_turn_the_log_over", refused=refused)
    return not refused


def allowed(statement: str) -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    except (ProgrammingError, NotSupportedError):  # the right, or the function itself, is missing
        return False
    return True
