"""The retention table, carried out row by row."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session

from portal.cases.models import Case, Code, Photo, Probe, Route
from portal.cases.states import State
from portal.core import clock, keys, limits
from portal.core.models import Tally
from portal.jobs.models import Job
from portal.operations import retention
from portal.policies.deadlines import end_of
from portal.policies.retention import CODE, DRAFT, JOB, SESSION
from tests.builders import mailed_code, make_case, session_of

pytestmark = pytest.mark.django_db
Drain = Callable[[], int]
SECOND = timedelta(seconds=1)


def test_a_draft_that_was_never_sent_is_forgotten_with_its_key(drain: Drain) -> None:
    case = make_case(route=Route.PHOTO)
    clock.move(DRAFT.kept_for - timedelta(minutes=1))
    retention.run("")
    drain()
    assert keys.exists(case.key_id)
    clock.move(timedelta(minutes=2))
    retention.run("")
    drain()
    case.refresh_from_db()
    assert case.state == State.EXPIRED
    assert not keys.exists(case.key_id)
    assert (case.contact_sealed, case.addresses_sealed) == (None, None)
    assert not Photo.objects.exists()
    assert not Probe.objects.exists()


def test_a_case_that_was_sent_is_not_a_draft(drain: Drain) -> None:
    case = make_case(State.RECEIVED)
    clock.move(DRAFT.kept_for + SECOND)
    retention.run("")
    drain()
    assert Case.objects.get(pk=case.pk).state != State.EXPIRED
    assert keys.exists(case.key_id)


def test_codes_finished_jobs_and_ended_counts_are_dropped(drain: Drain) -> None:
    case = make_case(State.RECEIVED)
    mailed_code(case)
    limits.take("test", "key", most=1, per=timedelta(minutes=1))
    drain()
    clock.move(CODE.kept_for + SECOND)
    retention.run("")
    assert not Code.objects.exists()
    assert not Tally.objects.filter(ends_at__lte=clock.now()).exists()
    assert Job.objects.filter(state="done").exists()
    clock.move(JOB.kept_for + SECOND)
    retention.run("")
    assert not Job.objects.filter(state="done").exists()


def test_photo_and_template_are_kept_to_the_due_date_and_not_a_day_longer() -> None:
    case = make_case(State.REVIEW, route=Route.PHOTO)
    assert case.due_on is not None
    clock.move(timedelta(days=(case.due_on - clock.today()).days))
    retention.run("")
    assert Photo.objects.filter(case=case).exists()
    clock.move(timedelta(days=1))
    retention.run("")
    assert not Photo.objects.filter(case=case).exists()
    assert not Probe.objects.filter(case=case).exists()


def test_a_visit_ends_within_the_day() -> None:
    visit = session_of(make_case())
    assert visit.get("/en/request/check/").status_code == 200
    clock.move(SESSION.kept_for + SECOND)
    retention.run("")
    assert not Session.objects.exists()
    assert visit.get("/en/request/check/").status_code == 302


def test_the_due_day_ends_where_the_subject_lives_and_not_where_the_operator_is() -> None:
    case = make_case(State.REVIEW, route=Route.PHOTO, place="GB")
    assert case.due_on is not None
    # Midnight in London; where the operator is, the due day has five hours to go.
    clock.move(end_of(case.due_on, "Europe/London") - clock.now() - SECOND)
    retention.run("")
    assert Photo.objects.filter(case=case).exists()
    clock.move(2 * SECOND)
    assert clock.today() == case.due_on
    retention.run("")
    assert not Photo.objects.filter(case=case).exists()
