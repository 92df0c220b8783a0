"""Enqueue, claim, renew, finish, fail. The lease is timed by the database's clock, which all workers share."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from portal.audit import append
from portal.audit.tags import Tag
from portal.core import clock
from portal.jobs import kinds, wake
from portal.jobs.models import Job, Priority, State
from portal.policies import operations

# Twelve tries within two hours, then one an hour: about four days, longer than a mail server is usually away.
ATTEMPTS = 104
WAITS = 12


@dataclass(frozen=True)
class Claim:
    job_id: int
    kind: str
    subject: str
    attempts: int
    lease: UUID


class Verdict(Enum):
    """What a failure means for the job."""

    TRY_AGAIN = auto()
    KEEP_TRYING = auto()
    GIVE_UP = auto()


_ENQUEUE = """
INSERT INTO jobs_job (kind, subject, state, run_at, priority, attempts, last_error, created_at)
VALUES (%(kind)s, %(subject)s, 'due', %(run_at)s, %(priority)s, 0, '', %(now)s)
ON CONFLICT (kind, subject) WHERE state = 'due'
DO UPDATE SET run_at = least(jobs_job.run_at, excluded.run_at),
              priority = least(jobs_job.priority, excluded.priority)
"""


def enqueue(
    kind: str, subject: UUID | int | str, *, run_at: datetime | None = None, priority: Priority = Priority.NORMAL
) -> None:
    """Write the job, inside the deciding transaction. The row is the guarantee, waking a worker a courtesy.

    Where the same work waits already, that row is touched, and so locked until the caller's transaction ends: no
    worker runs it before it can see what was decided. Errors: UnknownKind.
    """
    kinds.work(kind)
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            _ENQUEUE,
            {"kind": kind, "subject": str(subject), "run_at": run_at or now, "priority": priority.value, "now": now},
        )
    if run_at is None or run_at <= now:
        transaction.on_commit(wake.workers)


# One look into an index for each source, in this order, and none after the first that has something: a query over
# all of them would sort everything that is due for each job it takes.
_ABANDONED = """
(SELECT id FROM jobs_job WHERE state = 'running' AND leased_until < now()
 ORDER BY leased_until FOR UPDATE SKIP LOCKED LIMIT 1)"""
_DUE = """
(SELECT id FROM jobs_job WHERE state = 'due' AND priority = {} AND run_at <= %(now)s
 ORDER BY run_at, id FOR UPDATE SKIP LOCKED LIMIT 1)"""
_SOURCES = ",".join([_ABANDONED, *(_DUE.format(priority.value) for priority in sorted(Priority))])
CLAIM = f"""
UPDATE jobs_job
SET state = 'running', attempts = attempts + 1,
    lease = %(lease)s, leased_until = now() + make_interval(secs => %(seconds)s)
WHERE id = coalesce({_SOURCES})
RETURNING id, kind, subject, attempts
"""  # noqa: S608  (numbers of an enum)


def claim() -> Claim | None:
    """Take a job whose worker's lease ran out, then by priority what has waited longest."""
    lease = uuid4()
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"lease": lease, "seconds": settings.LEASE.total_seconds(), "now": clock.now()})
        row: tuple[int, str, str, int] | None = cursor.fetchone()
    return None if row is None else Claim(*row, lease)


def set_right() -> int:
    """What was due when it was written is due for good: where the clock was set back since, it would wait that long."""
    now = clock.now()
    written_later = Job.objects.filter(state=State.DUE, run_at__gt=now, run_at__lte=F("created_at"))
    return written_later.update(run_at=now, created_at=now)


_RENEW = """
UPDATE jobs_job SET leased_until = now() + make_interval(secs => %(seconds)s)
WHERE id = %(id)s AND lease = %(lease)s AND state = 'running'
"""


def renew(claim: Claim) -> bool:
    """Keep the lease from running out; False when it was lost."""
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, {"id": claim.job_id, "lease": claim.lease, "seconds": settings.LEASE.total_seconds()})
        return bool(cursor.rowcount)


def finish(claim: Claim) -> bool:
    """Mark it done; False when the lease was lost meanwhile, and another worker holds it."""
    return _release(claim, state=State.DONE, finished_at=clock.now(), last_error="")


def fail(claim: Claim, error: BaseException, *, verdict: Verdict) -> None:
    """Put it back with a growing pause, or lay it before a person."""
    name = type(error).__name__
    if verdict is Verdict.GIVE_UP or (verdict is Verdict.TRY_AGAIN and claim.attempts >= ATTEMPTS):
        with transaction.atomic():
            if _release(claim, state=State.DEAD, last_error=name):
                append.append(Tag.JOB_DIED, about=claim.job_id, kind=claim.kind, error=name)
        return
    wait = min(timedelta(seconds=2 ** min(claim.attempts, 20)), operations.RETRY_WITHIN)
    try:
        with transaction.atomic():
            # Waiting for something outside uses up no try of a later, real failure.
            attempts = min(claim.attempts, WAITS) if verdict is Verdict.KEEP_TRYING else claim.attempts
            _release(claim, state=State.DUE, run_at=clock.now() + wait, last_error=name, attempts=attempts)
    except IntegrityError:
        # The same work was enqueued again while this ran: that row carries on, and two waiting ones may not stand.
        _release(claim, state=State.DONE, finished_at=clock.now(), last_error=name)


def pick_up(kind: str, subject: UUID | int | str, *, run_at: datetime | None = None) -> None:
    """Enqueue work that should be under way, unless it lies dead before a person already."""
    if not lies_dead(kind, subject):
        enqueue(kind, subject, run_at=run_at)


def is_under_way(kind: str, subject: UUID | int | str) -> bool:
    """Whether it waits for its time, or runs."""
    return Job.objects.filter(kind=kind, subject=str(subject), state__in=[State.DUE, State.RUNNING]).exists()


def lies_dead(kind: str, subject: UUID | int | str) -> bool:
    return Job.objects.filter(kind=kind, subject=str(subject), state=State.DEAD).exists()


def retry(job: Job) -> bool:
    """Give a dead job its attempts again; False when it was not dead, or the same work waits already."""
    dead = Job.objects.filter(pk=job.pk, state=State.DEAD)
    try:
        with transaction.atomic():
            return bool(dead.update(state=State.DUE, attempts=0, run_at=clock.now()))
    except IntegrityError:
        dead.update(state=State.DONE, finished_at=clock.now())
        return False


def _release(claim: Claim, **values: object) -> bool:
    mine = Job.objects.filter(pk=claim.job_id, lease=claim.lease, state=State.RUNNING)
    return bool(mine.update(lease=None, leased_until=None, **values))
