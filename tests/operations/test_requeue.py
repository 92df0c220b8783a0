"""Whatever job is lost, by hand or by fault, its work is picked up within the hour."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from pytest_django import Settings

from matching import service
from portal.accounts.models import User
from portal.cases import decisions
from portal.cases.models import Case
from portal.cases.states import State
from portal.core import clock, keys
from portal.jobs.models import Job
from portal.operations import requeue
from portal.takedowns.models import Takedown
from portal.takedowns.removals import open_removal
from tests.builders import assign, indexed_image, look_at, make_case

pytestmark = pytest.mark.django_db(transaction=True)
Drain = Callable[[], int]


def lose_every_job() -> None:
    Job.objects.all().delete()
    requeue.pick_up()


def test_a_case_reaches_its_end_although_every_job_is_lost_at_every_step(drain: Drain, sam: User, lee: User) -> None:
    image = indexed_image()
    page = service.provenance_of([image])[image].page
    case = make_case(State.RECEIVED, addresses=[page])
    lose_every_job()
    drain()
    assign(case, sam, lee)
    look_at(case, sam, lee)
    given = case.matches.values_list("pk", flat=True)
    decisions.confirm(decisions.propose_decision(case, by=sam, delete=given), by=lee)
    clock.move(timedelta(days=8))
    for _ in range(8):
        lose_every_job()
        drain()
        clock.move(timedelta(minutes=1))
    case = Case.objects.get(pk=case.pk)
    assert case.state == State.CLOSED
    assert case.announced_at is not None
    assert not keys.exists(case.key_id)


def test_picking_up_does_not_end_the_cooling_time(drain: Drain, sam: User, lee: User, settings: Settings) -> None:
    settings.COOLING = timedelta(hours=24)
    image = indexed_image()
    case = make_case(State.RECEIVED, addresses=[service.provenance_of([image])[image].page])
    drain()
    assign(case, sam, lee)
    look_at(case, sam, lee)
    given = case.matches.values_list("pk", flat=True)
    decisions.confirm(decisions.propose_decision(case, by=sam, delete=given), by=lee)
    for _ in range(3):
        drain()
        lose_every_job()
    assert Takedown.objects.get().state == "hidden"


def test_picking_up_does_not_pull_a_waiting_purge_forward(drain: Drain, settings: Settings) -> None:
    settings.PURGE_AFTER = timedelta(hours=24)
    open_removal(uuid4(), [indexed_image()], job_when_removed="case.settle", job_when_purged="case.close")
    drain()
    (due,) = Job.objects.filter(kind="removals.purge", state="due").values_list("run_at", flat=True)
    clock.move(timedelta(hours=1))
    requeue.pick_up()
    assert Job.objects.get(kind="removals.purge", state="due").run_at == due
    Job.objects.filter(kind="removals.purge").delete()
    requeue.pick_up()
    again = Job.objects.get(kind="removals.purge").run_at
    assert abs(again - due) < timedelta(minutes=1)


def test_where_nothing_is_to_be_purged_no_purge_is_enqueued() -> None:
    requeue.pick_up()
    assert not Job.objects.filter(kind="removals.purge").exists()


def test_what_lies_before_a_person_is_not_enqueued_again(db: None) -> None:
    make_case(State.RECEIVED)
    Job.objects.filter(kind="case.search").update(state="dead")
    requeue.pick_up()
    assert Job.objects.filter(kind="case.search").count() == 1
