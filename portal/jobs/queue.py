"""Enqueue, claim, finish, fail. The lease is timed by the database's clock, which all workers share."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import connection, transaction

from portal.audit import append
from portal.audit.tags import Tag
from portal.core import clock
from portal.jobs import wake
from portal.jobs.models import Job, State

LEASE = timedelta(minutes=10)
LONGEST_WAIT = timedelta(hours=1)
ATTEMPTS = 12


@dataclass(frozen=True)
class Claim:
    job_id: int
    kind: str
    subject: str
    attempts: int
    lease: UUID


def enqueue(kind: str, subject: UUID | int | str, *, run_at: datetime | None = None) -> None:
    """Write the job, inside the deciding transaction. The row is the guarantee, waking a worker a courtesy."""
    now = clock.now()
    job = Job(kind=kind, subject=str(subject), run_at=run_at or now, created_at=now)
    Job.objects.bulk_create([job], ignore_conflicts=True)
    if run_at is None or run_at <= now:
        transaction.on_commit(wake.workers)


_CLAIM = """
UPDATE jobs_job
SET state = 'running', attempts = attempts + 1,
    lease = %(lease)s, leased_until = now() + make_interval(secs => %(seconds)s)
WHERE id = (
    SELECT id FROM jobs_job
    WHERE (state = 'due' AND run_at <= %(now)s) OR (state = 'running' AND leased_until < now())
    ORDER BY run_at, id
    FOR UPDATE SKIP LOCKED
    LIMIT 1
)
RETURNING id, kind, subject, attempts
"""


def claim() -> Claim | None:
    """Take the job that has waited longest, or one whose worker's lease ran out."""
    lease = uuid4()
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"lease": lease, "seconds": LEASE.total_seconds(), "now": clock.now()})
        row: tuple[int, str, str, int] | None = cursor.fetchone()
    return None if row is None else Claim(*row, lease)


def finish(claim: Claim) -> bool:
    """Mark it done; False when the lease was lost meanwhile, and another worker holds it."""
    return _release(claim, state=State.DONE, finished_at=clock.now(), last_error="")


@transaction.atomic
def fail(claim: Claim, error: BaseException, *, permanent: bool) -> None:
    """Put it back with a growing pause, or lay it before a person."""
    name = type(error).__name__
    if permanent or claim.attempts >= ATTEMPTS:
        if _release(claim, state=State.DEAD, last_error=name):
            append.append(Tag.JOB_DIED, about=claim.job_id, kind=claim.kind, error=name)
        return
    # The same work was enqueued again while this ran: that row carries on, and two waiting ones may not stand.
    if Job.objects.filter(kind=claim.kind, subject=claim.subject, state=State.DUE).exists():
        _release(claim, state=State.DONE, finished_at=clock.now(), last_error=name)
        return
    wait = min(timedelta(seconds=2 ** min(claim.attempts, 20)), LONGEST_WAIT)
    _release(claim, state=State.DUE, run_at=clock.now() + wait, last_error=name)


def retry(job: Job) -> bool:
    """Give a dead job its attempts again; False when it was not dead."""
    return bool(Job.objects.filter(pk=job.pk, state=State.DEAD).update(state=State.DUE, attempts=0, run_at=clock.now()))


def _release(claim: Claim, **values: object) -> bool:
    mine = Job.objects.filter(pk=claim.job_id, lease=claim.lease, state=State.RUNNING)
    return bool(mine.update(lease=None, leased_until=None, **values))
