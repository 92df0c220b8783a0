"""The lease: kept while a worker lives, lost when it dies, and given up where worker after worker dies."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from pytest_django import Settings

from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.core import clock
from portal.jobs import kinds, queue, run
from portal.jobs.models import Heartbeat, Job, State

pytestmark = pytest.mark.django_db(transaction=True)
seen: list[queue.Claim | None] = []


def look_after_the_lease(_subject: str) -> None:
    """What another worker finds once the first lease would have run out."""
    time.sleep(0.9)
    seen.append(queue.claim())


def nothing(_subject: str) -> None:
    pass


@pytest.fixture(autouse=True)
def work(settings: Settings) -> Iterator[None]:
    seen.clear()
    settings.LEASE = timedelta(seconds=0.6)
    kinds.register({"test.long": look_after_the_lease, "test.nothing": nothing})
    yield
    kinds.forget("test.long", "test.nothing")


def end_lease() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_job SET leased_until = now() - interval '1 second'")


def test_a_job_longer_than_its_lease_is_not_given_to_a_second_worker() -> None:
    queue.enqueue("test.long", "1")
    run.drain()
    assert seen == [None]
    job = Job.objects.get()
    assert (job.state, job.attempts) == (State.DONE, 1)


def test_a_lease_that_another_worker_took_is_not_renewed() -> None:
    queue.enqueue("test.nothing", "1")
    first = queue.claim()
    assert first is not None
    assert queue.renew(first)
    end_lease()
    second = queue.claim()
    assert second is not None
    assert not queue.renew(first)
    assert queue.renew(second)


def test_a_job_that_kills_every_worker_comes_before_a_person() -> None:
    queue.enqueue("test.nothing", "1")
    Job.objects.update(attempts=queue.ATTEMPTS - 1)
    assert queue.claim() is not None
    end_lease()
    run.drain()
    job = Job.objects.get()
    assert (job.state, job.last_error) == (State.DEAD, "LeaseLost")
    assert Entry.objects.filter(tag=Tag.JOB_DIED).count() == 1


@pytest.mark.parametrize("by", [timedelta(hours=1), timedelta(days=1), timedelta(days=-1)])
def test_a_clock_that_jumps_takes_no_job_from_a_worker(by: timedelta, settings: Settings) -> None:
    settings.LEASE = timedelta(minutes=1)
    queue.enqueue("test.nothing", "1")
    held = queue.claim()
    assert held is not None
    clock.move(by)
    assert queue.claim() is None
    assert queue.finish(held)


def test_a_worker_that_never_rests_shows_that_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "BEAT", 0.0)
    queue.enqueue("test.nothing", "1")
    run.drain()
    assert Heartbeat.objects.get().part == "worker"
