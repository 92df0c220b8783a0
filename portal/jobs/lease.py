"""Keeping the lease of a job that runs long, so that no second worker takes it for abandoned."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic

import structlog
from django.conf import settings
from django.db import DatabaseError, connection

from portal.jobs import queue
from portal.jobs.queue import Claim
from portal.policies import operations

log = structlog.get_logger()


@contextmanager
def kept(claim: Claim) -> Iterator[None]:
    """Renew the lease from a thread of its own, with a connection of its own, while the work runs."""
    ended = Event()
    keeper = Thread(target=_keep, args=(claim, ended), name="lease", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()


def _keep(claim: Claim, ended: Event) -> None:
    until = monotonic() + operations.JOB_RUNS_AT_MOST.total_seconds()
    while not ended.wait(settings.LEASE.total_seconds() / 3) and monotonic() < until:
        try:
            if not queue.renew(claim):
                log.warning("lease_lost", kind=claim.kind, job=claim.job_id)
                return
        except DatabaseError as error:
            log.warning("lease_not_renewed", kind=claim.kind, job=claim.job_id, error=type(error).__name__)
        finally:
            connection.close()
