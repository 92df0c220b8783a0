"""Deleting a row leaves its bytes on disk. This rewrites the tables and turns the log over.

The order matters and was measured: rewrite once no older snapshot is left, then switch the log, then
checkpoint. Without the switch the log keeps every deleted row; with an older snapshot the rewrite does.
"""

import time

import structlog
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import Max

from matching.models import Residue
from matching.types import PurgeReport

log = structlog.get_logger()

LOCK_TIMEOUT = "5s"  # a rewrite blocks readers while it waits for its lock
TRIES = 5
SNAPSHOT_WAIT = 30.0  # seconds

# A rewrite keeps every row that some snapshot may still see. Its own snapshot reaches back to the oldest
# transaction still writing, in any database of the server; others' snapshots count in this database alone.
# age() counts transactions back from now, so an older snapshot has the greater age.
MAY_STILL_BE_SEEN = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint <= %s
    OR EXISTS (
        SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
          AND age(backend_xmin) >= age((%s %% 4294967296)::text::xid)
    )
"""


def purge() -> PurgeReport:
    if connection.in_atomic_block:
        raise transaction.TransactionManagementError("A table cannot be rewritten inside a transaction.")
    due = list(Residue.objects.order_by("relation").values_list("relation", flat=True).distinct())
    wait_until_unseen()
    rewritten = tuple(relation for relation in due if rewrite(relation))
    log_turned = turn_log_over()
    kept = tuple(relation for relation in due if relation not in rewritten)
    log.info("matching.purged", rewritten=len(rewritten), kept=len(kept), log_turned=log_turned)
    return PurgeReport(rewritten, kept, log_turned)


def wait_until_unseen() -> None:
    """Once for all tables, and not for ever: what is still seen then stays for the next run."""
    newest = Residue.objects.aggregate(newest=Max("deleted_in"))["newest"]
    until = time.monotonic() + SNAPSHOT_WAIT
    while newest is not None and may_still_be_seen(newest) and time.monotonic() < until:
        time.sleep(0.1)


def rewrite(relation: str) -> bool:
    newest = Residue.objects.filter(relation=relation).order_by("-deleted_in").values_list("id", "deleted_in")
    residue, deleted_in = newest[0]
    if may_still_be_seen(deleted_in):
        log.warning("matching.purge_waits_for_an_older_transaction", relation=relation)
        return False
    if not any(vacuum_full(relation) for _ in range(TRIES)):
        log.warning("matching.purge_could_not_rewrite", relation=relation)
        return False
    Residue.objects.filter(relation=relation, id__lte=residue).delete()
    return True


def may_still_be_seen(deleted_in: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(MAY_STILL_BE_SEEN, [deleted_in, deleted_in])
        return bool(cursor.fetchone()[0])


def vacuum_full(relation: str) -> bool:
    """True where the table lies in a new file: without the right to, PostgreSQL only warns and goes on."""
    before = file_of(relation)
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        try:
            cursor.execute(f"VACUUM (FULL) {connection.ops.quote_name(relation)}")
        except OperationalError:  # the lock was not to be had in time
            return False
        finally:
            cursor.execute("RESET lock_timeout")
    return file_of(relation) != before


def file_of(relation: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_filenode(%s::regclass)", [relation])
        return int(cursor.fetchone()[0])


def turn_log_over() -> bool:
    turned = [attempt(statement) for statement in ("SELECT pg_switch_wal()", "CHECKPOINT")]
    return all(turned)  # the checkpoint is tried even where the switch was refused


def attempt(statement: str) -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError as error:  # rights are missing; the next run, or an operator, has to do it
        log.warning("matching.purge_lacks_rights", statement=statement, error=type(error).__name__)
        return False
    return True
