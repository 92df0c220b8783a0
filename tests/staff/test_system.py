"""The system page: what runs, and what waits for a person."""

from datetime import timedelta
from uuid import uuid4

from django.test import Client

from matching import service
from matching.models import IndexPack
from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.core import clock
from portal.jobs import queue, run
from portal.jobs.models import Job
from portal.jobs.models import State as JobState
from portal.operations.kinds import KINDS
from portal.staff import looks
from portal.takedowns import moves
from portal.takedowns.models import Step
from portal.takedowns.removals import open_removal
from portal.takedowns.states import StepState, TakedownState

PAGE = "/en/staff/system/"


def dead_job() -> Job:
    queue.enqueue("case.search", uuid4())
    Job.objects.update(state=JobState.DEAD, attempts=12, last_error="StoreError")
    return Job.objects.get()


def stuck_step() -> Step:
    removal = open_removal(uuid4(), [uuid4()], then="case.settle", at_last="case.close")
    takedown = removal.takedowns.get()
    moves.move_takedown(takedown, TakedownState.HIDDEN)
    moves.move_takedown(takedown, TakedownState.REMOVING)
    step = takedown.steps.filter(store="images").get()
    moves.move_step(step, StepState.STUCK, error="OSError")
    moves.move_takedown(takedown, TakedownState.STUCK)
    return step


def test_it_shows_the_pack_and_the_size_of_the_index(sam_client: Client) -> None:
    page = sam_client.get(PAGE).content.decode()
    assert service.pack().licence in page
    assert "faces" in page


def test_a_silent_worker_is_seen(sam_client: Client) -> None:
    run.beat("worker")
    assert "alive" in sam_client.get(PAGE).content.decode()
    clock.move(timedelta(minutes=10))
    assert "silent" in sam_client.get(PAGE).content.decode()


def test_a_dead_job_is_tried_again_and_recorded(sam: User, sam_client: Client) -> None:
    job = dead_job()
    assert "gave up after 12 tries" in sam_client.get(PAGE).content.decode()
    sam_client.post(f"{PAGE}jobs/{job.pk}/retry/")
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.DUE, 0)
    assert Entry.objects.get(tag=Tag.JOB_RETRIED).actor == sam.pk


def test_a_job_that_lives_is_left_alone(sam_client: Client) -> None:
    job = dead_job()
    for _ in range(2):
        answer = sam_client.post(f"{PAGE}jobs/{job.pk}/retry/", follow=True)
    assert "Nothing was changed" in answer.content.decode()
    assert Entry.objects.filter(tag=Tag.JOB_RETRIED).count() == 1


def test_a_stuck_step_is_tried_again(sam: User, sam_client: Client) -> None:
    step = stuck_step()
    assert "Image store" in sam_client.get(PAGE).content.decode()
    sam_client.post(f"{PAGE}steps/{step.pk}/retry/")
    step.refresh_from_db()
    assert step.state == StepState.DUE
    assert Entry.objects.get(tag=Tag.STEP_RETRIED).actor == sam.pk
    again = sam_client.post(f"{PAGE}steps/{step.pk}/retry/", follow=True)
    assert "Nothing was changed" in again.content.decode()


def test_all_that_a_store_is_stuck_at_is_tried_again(sam: User, sam_client: Client) -> None:
    stuck = [stuck_step(), stuck_step()]
    assert "stuck at 2 images" in sam_client.get(PAGE).content.decode()
    sam_client.post(f"{PAGE}stores/retry/", {"store": "images"})
    assert set(Step.objects.filter(pk__in=[step.pk for step in stuck]).values_list("state", flat=True)) == {"due"}
    assert [entry.actor for entry in Entry.objects.filter(tag=Tag.STEP_RETRIED)] == [sam.pk, sam.pk]
    assert Job.objects.filter(kind="removal.remove", state=JobState.DUE).count() == 2
    again = sam_client.post(f"{PAGE}stores/retry/", {"store": "nonsense"}, follow=True)
    assert "Nothing was changed" in again.content.decode()


def test_every_job_has_a_name_that_people_read(sam_client: Client) -> None:
    assert all(looks.job_name(kind) != kind for kind in KINDS)
    assert looks.job_name("case.of_the_next_version") == "case.of_the_next_version"
    dead_job()
    page = sam_client.get(PAGE).content.decode()
    assert "Search the index for a case" in page
    assert "case.search" not in page


def test_a_dead_job_whose_work_waits_already_is_no_error(sam_client: Client) -> None:
    job = dead_job()
    queue.enqueue(job.kind, job.subject)
    answer = sam_client.post(f"{PAGE}jobs/{job.pk}/retry/", follow=True)
    assert answer.status_code == 200
    assert "Nothing was changed" in answer.content.decode()
    assert Job.objects.filter(state=JobState.DUE).count() == 1


def test_a_pack_that_does_not_fit_the_index_is_told(sam_client: Client) -> None:
    IndexPack.objects.create(name="other", recogniser="0" * 64, dim=512)
    page = sam_client.get(PAGE)
    assert page.status_code == 200
    assert "Cannot be used" in page.content.decode()
    assert "The index holds embeddings of the pack other" in page.content.decode()
    assert service.pack().licence in page.content.decode()


def test_nothing_waits_reads_as_such(sam_client: Client) -> None:
    assert "No job gave up" in sam_client.get(PAGE).content.decode()
