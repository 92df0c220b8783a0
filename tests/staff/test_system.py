"""The system page: what runs, and what waits for a person."""

from datetime import timedelta
from uuid import uuid4

import pytest
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
from portal.operations.job_kinds import KINDS
from portal.staff import labels
from portal.takedowns import holds, moves
from portal.takedowns.models import HoldReason, ReleasedBecause, Step, Takedown
from portal.takedowns.removals import open_removal
from portal.takedowns.states import StepState, TakedownState
from tests.builders import assign, indexed_image, look_at_hold
from tests.staff.build import reviewed

PAGE = "/en/staff/system/"


def dead_job() -> Job:
    queue.enqueue("case.search", uuid4())
    Job.objects.update(state=JobState.DEAD, attempts=12, last_error="StoreError")
    return Job.objects.get()


def stuck_step() -> Step:
    removal = open_removal(uuid4(), [uuid4()], job_when_removed="case.settle", job_when_purged="case.close")
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


def decided() -> Takedown:
    return open_removal(
        uuid4(), [uuid4()], job_when_removed="case.settle", job_when_purged="case.close"
    ).takedowns.get()


def late_page(client: Client) -> str:
    page = client.get(PAGE).content.decode()
    return page[page.index("Past what was promised") :]


def test_what_search_still_returns_is_shown_and_hidden_again(sam: User, sam_client: Client) -> None:
    stuck = [decided(), decided()]
    for takedown in stuck:
        moves.move_takedown(takedown, TakedownState.STUCK, hide_attempts=8)
    page = sam_client.get(PAGE).content.decode()
    assert "stuck at 2 images" in page
    assert f"still returns takedown {stuck[0].pk} after it was hidden 8 times" in page
    for told in ("It will be tried again", "Nothing was changed"):
        answer = sam_client.post(f"{PAGE}takedowns/{stuck[0].pk}/retry/", follow=True)
        assert told in answer.content.decode()
    sam_client.post(f"{PAGE}stores/retry/", {"store": "search"})
    assert set(Takedown.objects.values_list("state", flat=True)) == {TakedownState.QUEUED}
    assert [entry.actor for entry in Entry.objects.filter(tag=Tag.STEP_RETRIED)] == [sam.pk, sam.pk]
    assert sam_client.post(f"{PAGE}takedowns/999999/retry/").status_code == 404


PATH = (TakedownState.HIDDEN, TakedownState.REMOVING, TakedownState.REMOVED)


@pytest.mark.parametrize(
    ("path", "within", "told"),
    [
        ((), timedelta(minutes=1), "Not out of search within 1 minute"),
        ((TakedownState.STUCK,), timedelta(minutes=1), "Not out of search within 1 minute"),
        (PATH[:1], timedelta(hours=72), "Not removed from every store within 3 days"),
        (PATH[:2], timedelta(hours=72), "Not removed from every store within 3 days"),
        (PATH, timedelta(days=7), "Not purged within 7 days"),
    ],
)
def test_what_is_past_its_promise_is_shown_with_what_to_do(
    sam_client: Client, path: tuple[TakedownState, ...], within: timedelta, told: str
) -> None:
    takedown = decided()
    for state in path:
        given = {"hide_attempts": 8} if state == TakedownState.STUCK else {}
        moves.move_takedown(takedown, state, **given)
    clock.move(within - timedelta(seconds=5))
    assert "in time" in late_page(sam_client)
    clock.move(timedelta(seconds=10))
    page = late_page(sam_client)
    assert told in page
    assert "1 image, 1 removal, the oldest decided on" in page
    if path == PATH:
        assert "manage.py purge" in page


def test_what_is_done_or_held_is_not_past_its_promise(sam: User, sam_client: Client) -> None:
    purged, image = decided(), indexed_image()
    for state in (*PATH, TakedownState.PURGED):
        moves.move_takedown(purged, state)
    open_removal(uuid4(), [image], job_when_removed="case.settle", job_when_purged="case.close")
    holds.propose([image], HoldReason.LITIGATION, by=sam)
    clock.move(timedelta(days=30))
    assert "in time" in late_page(sam_client)


def test_what_was_let_go_of_a_hold_has_its_time_from_then(sam: User, lee: User, sam_client: Client) -> None:
    image = indexed_image()
    open_removal(uuid4(), [image], job_when_removed="case.settle", job_when_purged="case.close")
    hold = holds.propose([image], HoldReason.LITIGATION, by=sam)
    look_at_hold(hold, hold.proposed_by, lee)
    holds.confirm(hold, by=lee)
    clock.move(timedelta(days=30))
    holds.propose_release(hold, ReleasedBecause.ENDED, by=sam)
    holds.confirm_release(hold, by=lee)
    assert "in time" in late_page(sam_client)
    clock.move(timedelta(days=4))
    assert "Not removed from every store" in late_page(sam_client)


def test_what_a_hold_decided_has_no_page_to_go_to(sam: User, lee: User, sam_client: Client) -> None:
    hold = holds.propose([indexed_image()], HoldReason.LITIGATION, by=sam)
    look_at_hold(hold, hold.proposed_by, lee)
    holds.confirm(hold, by=lee)
    holds.propose_release(hold, ReleasedBecause.ENDED, by=sam)
    holds.confirm_release(hold, by=lee)
    takedown = Takedown.objects.get()
    moves.move_takedown(takedown, TakedownState.REMOVING)
    moves.move_step(takedown.steps.get(store="images"), StepState.STUCK, error="OSError")
    page = sam_client.get(PAGE).content.decode()
    assert "Image store" in page
    assert str(hold.pk) not in page


def test_a_case_is_linked_for_whom_it_was_drawn_alone(sam_client: Client, lee: User, lee_client: Client) -> None:
    case = reviewed()
    takedown = open_removal(
        case.code, [uuid4()], job_when_removed="case.settle", job_when_purged="case.close"
    ).takedowns.get()
    moves.move_takedown(takedown, TakedownState.STUCK, hide_attempts=8)
    page = f"/en/staff/cases/{case.code}/"
    assert page in sam_client.get(PAGE).content.decode()
    assign(case, lee)
    assert page in lee_client.get(PAGE).content.decode()
    assert str(case.code) not in sam_client.get(PAGE).content.decode()


def test_every_job_has_a_name_that_people_read(sam_client: Client) -> None:
    assert all(labels.job_name(kind) != kind for kind in KINDS)
    assert labels.job_name("case.of_the_next_version") == "case.of_the_next_version"
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
