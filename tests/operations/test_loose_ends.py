"""Whatever job is lost, by hand or by fault, its work is picked up within the hour."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from pytest_django import Settings

from matching import service
from portal.accounts.models import User
from portal.cases import decisions
from portal.cases.models import Case
from portal.cases.states import State
from portal.core import clock, keys
from portal.jobs.models import Job
from portal.operations import loose_ends
from portal.takedowns.models import Takedown
from tests.builders import indexed_image, make_case

pytestmark = pytest.mark.django_db(transaction=True)
Drain = Callable[[], int]


def lose_every_job() -> None:
    Job.objects.all().delete()
    loose_ends.pick_up()


def test_a_case_reaches_its_end_although_every_job_is_lost_at_every_step(drain: Drain, sam: User) -> None:
    image = indexed_image()
    page = service.provenance([image])[image].page
    case = make_case(State.RECEIVED, addresses=[page])
    lose_every_job()
    drain()
    decisions.approve(case, by=sam, matches=case.matches.values_list("pk", flat=True))
    clock.move(timedelta(days=8))
    for _ in range(8):
        lose_every_job()
        drain()
        clock.move(timedelta(minutes=1))
    case = Case.objects.get(pk=case.pk)
    assert case.state == State.CLOSED
    assert case.announced_at is not None
    assert not keys.exists(case.key_id)


def test_picking_up_does_not_end_the_cooling_time(drain: Drain, sam: User, settings: Settings) -> None:
    settings.COOLING = timedelta(hours=24)
    image = indexed_image()
    case = make_case(State.RECEIVED, addresses=[service.provenance([image])[image].page])
    drain()
    decisions.approve(case, by=sam, matches=case.matches.values_list("pk", flat=True))
    for _ in range(3):
        drain()
        lose_every_job()
    assert Takedown.objects.get().state == "hidden"


def test_what_lies_before_a_person_is_not_enqueued_again(db: None) -> None:
    make_case(State.RECEIVED)
    Job.objects.filter(kind="case.search").update(state="dead")
    loose_ends.pick_up()
    assert Job.objects.filter(kind="case.search").count() == 1
