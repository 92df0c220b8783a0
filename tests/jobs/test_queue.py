"""The job table is the queue."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction

from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.core import clock
from portal.jobs import kinds, queue, run
from portal.jobs.models import Job, Priority, State

pytestmark = pytest.mark.django_db(transaction=True)
done: list[str] = []


def note(subject: str) -> None:
    done.append(subject)


def fail(_subject: str) -> None:
    raise RuntimeError("ana@example.org is in this text")


def fail_for_good(_subject: str) -> None:
    raise run.PermanentFailure


def not_yet(_subject: str) -> None:
    raise run.NotYet


@pytest.fixture(autouse=True)
def work() -> Iterator[None]:
    done.clear()
    jobs = {"test.note": note, "test.fail": fail, "test.fail_for_good": fail_for_good, "test.not_yet": not_yet}
    kinds.register(jobs)
    yield
    kinds.forget(*jobs)


def test_a_job_is_written_or_not_with_the_decision() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        queue.enqueue("test.note", "1")
        raise RuntimeError
    run.drain()
    assert done == []


def test_it_runs_what_is_due_in_order_and_leaves_the_rest() -> None:
    queue.enqueue("test.note", "later", run_at=clock.now() + timedelta(hours=1))
    queue.enqueue("test.note", "second")
    queue.enqueue("test.note", "first", run_at=clock.now() - timedelta(hours=1))
    assert run.drain() == 2
    assert done == ["first", "second"]
    clock.move(timedelta(hours=2))
    run.drain()
    assert done == ["first", "second", "later"]


def test_enqueuing_what_waits_already_changes_nothing() -> None:
    for _ in range(5):
        queue.enqueue("test.note", "1")
    run.drain()
    assert done == ["1"]


def test_work_that_arrives_while_its_like_runs_is_not_swallowed() -> None:
    queue.enqueue("test.note", "1")
    claim = queue.claim()
    assert claim is not None
    queue.enqueue("test.note", "1")
    queue.finish(claim)
    assert run.drain() == 1


def test_no_two_workers_claim_the_same_job() -> None:
    for number in range(60):
        queue.enqueue("test.note", number)

    def claim_all(_worker: int) -> list[int]:
        claimed = []
        while claim := queue.claim():
            claimed.append(claim.job_id)
        connection.close()
        return claimed

    with ThreadPoolExecutor(4) as pool:
        claimed = [job for jobs in pool.map(claim_all, range(4)) for job in jobs]
    assert len(claimed) == len(set(claimed)) == 60


def test_a_job_whose_worker_died_is_claimed_again_when_its_lease_ends() -> None:
    queue.enqueue("test.note", "1")
    dead = queue.claim()
    assert dead is not None
    assert queue.claim() is None
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_job SET leased_until = now() - interval '1 second'")
    alive = queue.claim()
    assert alive is not None
    assert (alive.job_id, alive.attempts) == (dead.job_id, 2)
    assert not queue.finish(dead)
    assert queue.finish(alive)


def test_a_failure_is_tried_again_later_and_later_and_then_given_to_a_person() -> None:
    queue.enqueue("test.fail", "1")
    waits = []
    for _ in range(queue.ATTEMPTS):
        run.drain()
        job = Job.objects.get()
        waits.append(round((job.run_at - clock.now()).total_seconds()))
        clock.move(timedelta(hours=2))
    # The last try ends it; the pauses between the others grow.
    assert waits[:-1] == sorted(waits[:-1])
    assert job.state == State.DEAD
    assert Entry.objects.filter(tag=Tag.JOB_DIED).count() == 1
    assert run.drain() == 0
    assert queue.retry(job)
    assert run.drain() == 1


def test_what_cannot_succeed_goes_to_a_person_at_once() -> None:
    queue.enqueue("test.fail_for_good", "1")
    run.drain()
    assert Job.objects.get().state == State.DEAD


def test_an_errors_text_is_kept_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    queue.enqueue("test.fail", "1")
    run.drain()
    assert Job.objects.get().last_error == "RuntimeError"
    printed = capsys.readouterr()
    assert "ana@example.org" not in printed.out + printed.err


def test_a_failed_job_gives_way_to_the_same_work_enqueued_meanwhile() -> None:
    queue.enqueue("test.fail", "1")
    claim = queue.claim()
    assert claim is not None
    queue.enqueue("test.fail", "1")
    queue.fail(claim, RuntimeError(), verdict=queue.Verdict.TRY_AGAIN)
    assert Job.objects.filter(state=State.DUE).count() == 1


def test_a_worker_does_not_run_what_a_transaction_enqueued_again_before_that_ends() -> None:
    queue.enqueue("test.note", "1")

    def claim_elsewhere() -> queue.Claim | None:
        claimed = queue.claim()
        connection.close()
        return claimed

    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            queue.enqueue("test.note", "1")
            assert other.submit(claim_elsewhere).result() is None
        assert other.submit(claim_elsewhere).result() is not None


def test_enqueuing_again_brings_a_waiting_job_forward() -> None:
    queue.enqueue("test.note", "1", run_at=clock.now() + timedelta(hours=1))
    queue.enqueue("test.note", "1")
    run.drain()
    assert done == ["1"]


def test_what_is_urgent_goes_first() -> None:
    queue.enqueue("test.note", "patient", run_at=clock.now() - timedelta(hours=1))
    queue.enqueue("test.note", "urgent", priority=Priority.URGENT)
    run.drain()
    assert done == ["urgent", "patient"]


def test_what_waits_for_something_outside_is_tried_without_end() -> None:
    queue.enqueue("test.not_yet", "1")
    Job.objects.update(attempts=queue.ATTEMPTS - 1)
    run.drain()
    job = Job.objects.get()
    assert (job.state, job.attempts) == (State.DUE, queue.WAITS)


def test_a_kind_that_nobody_knows_cannot_be_enqueued_and_waits_for_who_does() -> None:
    with pytest.raises(kinds.UnknownKind):
        queue.enqueue("test.unheard_of", "1")
    queue.enqueue("test.note", "1")
    Job.objects.update(kind="test.unheard_of")
    run.drain()
    assert Job.objects.get().state == State.DUE


def test_retrying_a_dead_job_whose_work_waits_again_clears_it() -> None:
    queue.enqueue("test.fail_for_good", "1")
    run.drain()
    dead = Job.objects.get()
    queue.enqueue("test.fail_for_good", "1")
    assert not queue.retry(dead)
    assert Job.objects.filter(state=State.DEAD).count() == 0
