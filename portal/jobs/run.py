"""Running jobs."""

from datetime import timedelta
from time import monotonic

import structlog

from portal.core import clock
from portal.jobs import kinds, lease, queue
from portal.jobs.models import Heartbeat, Job, State

log = structlog.get_logger()
# How often a worker that always has something to do shows that it lives.
BEAT = 30.0  # seconds


class PermanentFailure(Exception):
    """Retrying cannot help: the job goes to a person at once."""


class LeaseLost(Exception):
    """Worker after worker died over this job, or was taken for dead."""


class NotYet(Exception):
    """Something outside is not ready. The job is tried again, ever more slowly, and without an end."""


def drain(*, most: int = 1000) -> int:
    """Run what is due until nothing is, or `most` jobs ran. Returns how many."""
    next_beat = monotonic() + BEAT
    for done in range(most):
        if not run_one():
            return done
        if monotonic() > next_beat:
            beat("worker")
            next_beat = monotonic() + BEAT
    return most


def run_one() -> bool:
    """Run one job. Its effects are safe to repeat, since a worker may die between the effect and `finish`."""
    claim = queue.claim()
    if claim is None:
        return False
    if claim.attempts > queue.ATTEMPTS:
        queue.fail(claim, LeaseLost(), verdict=queue.Verdict.GIVE_UP)
        return True
    try:
        work = kinds.work(claim.kind)
        with lease.kept(claim):
            work(claim.subject)
    except Exception as error:
        # Only the class is logged: an error's text may quote what it was given.
        log.warning(
            "job_failed", kind=claim.kind, job=claim.job_id, attempts=claim.attempts, error=type(error).__name__
        )
        queue.fail(claim, error, verdict=_verdict(error))
    else:
        queue.finish(claim)
    return True


def _verdict(error: Exception) -> queue.Verdict:
    if isinstance(error, PermanentFailure):
        return queue.Verdict.GIVE_UP
    # A process of the next version may know the kind.
    endless = isinstance(error, NotYet | kinds.UnknownKind)
    return queue.Verdict.KEEP_TRYING if endless else queue.Verdict.TRY_AGAIN


def beat(part: str) -> None:
    Heartbeat.objects.update_or_create(part=part, defaults={"at": clock.now()})


def forget_done(*, older_than: timedelta) -> int:
    return Job.objects.filter(state=State.DONE, finished_at__lt=clock.now() - older_than).delete()[0]
