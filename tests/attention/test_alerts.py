"""What is overdue, stuck or late reaches somebody: in the log every hour, by mail when it is new and daily after."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core import mail
from pytest_django import Settings
from structlog.testing import capture_logs

from portal.attention import troubles, work
from portal.cases.states import State
from portal.core import clock
from portal.jobs import queue
from portal.jobs.models import Job
from portal.jobs.models import State as JobState
from portal.policies import deadlines, timetable
from portal.takedowns import moves
from portal.takedowns.models import Step
from portal.takedowns.removals import open_removal
from portal.takedowns.states import StepState, TakedownState
from tests.builders import make_case
from tests.staff.test_system import stuck_step

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def somebody(settings: Settings) -> None:
    settings.ALERTS_TO = "operations@example.com"


def kinds() -> list[str]:
    return [trouble.kind for trouble in troubles.all_of_them()]


def hour_by_hour(hours: int) -> list[str]:
    """The mails of so many hourly runs, by their text."""
    mail.outbox.clear()
    for _ in range(hours):
        work.tell("")
        clock.move(timedelta(hours=1))
    return [str(message.body) for message in mail.outbox]


def test_where_nothing_is_wrong_nobody_is_told() -> None:
    make_case(State.RECEIVED)
    assert kinds() == []
    assert hour_by_hour(3) == []


def test_a_takedown_that_fails_for_three_days_alerts_somebody_once_a_day_while_it_lasts() -> None:
    removal = open_removal(uuid4(), [uuid4()], job_when_removed="case.settle", job_when_purged="case.close")
    takedown = removal.takedowns.get()
    moves.move_takedown(takedown, TakedownState.HIDDEN)
    moves.move_takedown(takedown, TakedownState.REMOVING)
    clock.move(deadlines.REMOVED_WITHIN - timedelta(minutes=1))
    assert hour_by_hour(1) == []
    first, again = hour_by_hour(25)
    assert "Images are still in a store although they should be removed. (1, since" in first
    assert again == first
    assert str(takedown.image_id) not in first
    moves.move_takedown(takedown, TakedownState.REMOVED)
    assert hour_by_hour(25) == []


def test_a_new_trouble_is_told_at_once_beside_one_that_lasts() -> None:
    stuck_step()
    assert len(hour_by_hour(2)) == 1
    queue.enqueue("case.search", uuid4())
    Job.objects.update(state=JobState.DEAD)
    (news,) = hour_by_hour(2)
    assert "Jobs gave up" in news
    assert "A store keeps failing" not in news


def test_a_trouble_that_was_mended_and_comes_back_is_new() -> None:
    step = stuck_step()
    assert len(hour_by_hour(1)) == 1
    moves.move_step(step, StepState.DUE)
    assert hour_by_hour(1) == []
    moves.move_step(Step.objects.get(pk=step.pk), StepState.STUCK, error="OSError")
    assert len(hour_by_hour(1)) == 1


def test_cases_are_named_as_a_count_before_and_after_their_due_date() -> None:
    case = make_case(State.REVIEW)
    case.due_on = clock.today() + timetable.WARN_BEFORE_DUE + timedelta(days=1)
    case.save()
    assert kinds() == []
    clock.move(timedelta(days=1))
    assert kinds() == ["case.due_soon"]
    clock.move(timetable.WARN_BEFORE_DUE + timedelta(days=1))
    assert [kind for kind in kinds() if kind.startswith("case.")] == ["case.overdue"]
    (told,) = hour_by_hour(1)
    assert case.reference not in told


def test_without_an_address_it_is_in_the_log_alone(settings: Settings) -> None:
    settings.ALERTS_TO = ""
    stuck_step()
    with capture_logs() as lines:
        assert hour_by_hour(1) == []
    assert [(line["event"], line["kind"], line["count"]) for line in lines if "kind" in line] == [
        ("needs_attention", "store.images", 1)
    ]


def test_who_could_not_be_mailed_is_told_the_next_hour(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "localhost", 1
    stuck_step()
    with pytest.raises(OSError, match="refused"):
        work.tell("")
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert len(hour_by_hour(1)) == 1
