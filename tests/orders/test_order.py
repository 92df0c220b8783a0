"""An order of a regulator: proposed and confirmed by two, carried out in chunks, paused and resumed."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from pytest_django import Settings

from matching import service
from matching.types import Scope, Store
from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.core import clock
from portal.core.faults import NotAllowed, Stale
from portal.jobs import queue, run
from portal.jobs.models import Job, Priority
from portal.operations import requeue
from portal.orders import actions, queries, work
from portal.orders.models import ListedImage, Order
from portal.orders.states import State
from portal.takedowns.models import Removal, Takedown
from portal.takedowns.states import TakedownState
from tests.builders import DAY, indexed_image, look_at_order

pytestmark = pytest.mark.django_db(transaction=True)
SITE = Scope(site="photos.example")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(work, "CHUNK", 2)
    settings.PURGE_AFTER = timedelta(hours=100)


def purge() -> None:
    clock.move(timedelta(hours=101))
    run.drain()


def propose(by: User, scope: Scope = SITE) -> Order:
    return actions.propose_scope(scope, by=by, authority="A regulator", reference="2026-1")


def confirmed(sam: User, lee: User, scope: Scope = SITE) -> Order:
    order = propose(sam, scope)
    look_at_order(order, order.made_by, lee)
    actions.confirm(order, by=lee)
    return order


def state(order: Order) -> str:
    return Order.objects.get(pk=order.pk).state


def left(images: list[UUID]) -> list[UUID]:
    return [image for image in images if any(service.present(image, store) for store in Store)]


def test_it_deletes_all_of_its_scope_and_nothing_else(sam: User, lee: User) -> None:
    images = [indexed_image() for _ in range(5)]
    elsewhere = indexed_image(site="other.example")
    order = confirmed(sam, lee)
    assert order.images == 5
    run.drain()
    assert state(order) == State.REMOVED
    purge()
    assert state(order) == State.CLOSED
    assert left([*images, elsewhere]) == [elsewhere]
    assert Removal.objects.filter(origin=order.code).count() == 3
    assert set(Takedown.objects.values_list("state", flat=True)) == {TakedownState.PURGED}


@pytest.mark.parametrize(
    ("scope", "held"),
    [
        (Scope(site="photos.example"), True),
        (Scope(site="other.example"), False),
        (Scope(harvested_from=DAY, harvested_until=DAY), True),
        (Scope(harvested_from=DAY + timedelta(days=1)), False),
        (Scope(harvested_until=DAY - timedelta(days=1)), False),
        (Scope(site="photos.example", country="CA"), False),
    ],
)
def test_a_scope_holds_what_meets_all_its_bounds(scope: Scope, held: bool) -> None:
    image = indexed_image()
    assert (service.select(scope, after=UUID(int=0), most=9) == [image]) is held
    assert service.count(scope) == held


def test_a_scope_without_a_bound_is_no_order(sam: User) -> None:
    with pytest.raises(NotAllowed):
        propose(sam, Scope())


def test_it_takes_two_people(sam: User, lee: User) -> None:
    image = indexed_image()
    order = propose(sam)
    with pytest.raises(NotAllowed):
        look_at_order(order, order.made_by, sam)
        actions.confirm(order, by=sam)
    with pytest.raises(NotAllowed):
        actions.take_back(order, by=lee)
    run.drain()
    assert left([image]) == [image]
    actions.decline(order, by=lee)
    with pytest.raises(Stale):
        look_at_order(order, order.made_by, lee)
        actions.confirm(order, by=lee)
    assert not Removal.objects.exists()


def test_paused_it_stands_still_and_resumed_it_goes_on(sam: User, lee: User, settings: Settings) -> None:
    settings.COOLING = timedelta(hours=1)
    images = [indexed_image() for _ in range(5)]
    order = confirmed(sam, lee)
    run.drain()
    assert service.searchable(images) == frozenset()
    actions.pause(order, by=sam)
    clock.move(timedelta(hours=2))
    requeue.pick_up()
    run.drain()
    assert left(images) == images
    with pytest.raises(Stale):
        actions.pause(order, by=sam)
    actions.resume(order, by=lee)
    run.drain()
    assert left(images) == []
    tags = [Tag.ORDER_PAUSED, Tag.ORDER_RESUMED]
    assert [Entry.objects.get(tag=tag).actor for tag in tags] == [sam.pk, lee.pk]


def test_paused_before_all_is_opened_it_opens_no_more(sam: User, lee: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "SLICE", 0.0)
    images = [indexed_image() for _ in range(5)]
    order = confirmed(sam, lee)
    actions.pause(order, by=sam)
    run.drain()
    assert not Removal.objects.exists()
    actions.resume(order, by=sam)
    run.drain()
    assert left(images) == []


def test_what_is_harvested_meanwhile_goes_too(sam: User, lee: User, settings: Settings) -> None:
    settings.COOLING = timedelta(hours=1)
    early = indexed_image()
    order = confirmed(sam, lee)
    run.drain()
    late = indexed_image()
    for _ in range(3):
        clock.move(timedelta(hours=2))
        run.drain()
    assert left([early, late]) == []
    assert state(order) == State.REMOVED


def test_a_list_names_images_and_forgets_them_at_the_end(sam: User, lee: User) -> None:
    images = [indexed_image() for _ in range(3)]
    order = actions.propose_list([*images[:2], uuid4()], by=sam, authority="A court", reference="7")
    look_at_order(order, order.made_by, lee)
    actions.confirm(order, by=lee)
    run.drain()
    assert left(images) == images[2:]
    purge()
    assert not ListedImage.objects.exists()


def test_urgent_work_goes_before_an_order(sam: User, lee: User) -> None:
    for _ in range(4):
        indexed_image()
    confirmed(sam, lee)
    run.drain(most=2)
    bulk = Job.objects.filter(kind="removal.remove", state="due")
    assert set(bulk.values_list("priority", flat=True)) <= {Priority.BULK}
    queue.enqueue("removals.purge", "all")
    claim = queue.claim()
    assert claim is not None
    assert claim.kind != "removal.remove"


def test_its_progress_adds_up(sam: User, lee: User) -> None:
    for _ in range(4):
        indexed_image()
    order = confirmed(sam, lee)
    assert queries.progress(order, by=sam).gone == 0
    run.drain()
    order.refresh_from_db()
    progress = queries.progress(order, by=sam)
    assert (progress.images, progress.opened, progress.gone, progress.stuck) == (4, 4, 4, 0)
    assert progress.rate > 0
    assert progress.remaining is None


def test_every_job_lost_is_picked_up(sam: User, lee: User) -> None:
    images = [indexed_image() for _ in range(3)]
    order = confirmed(sam, lee)
    for _ in range(12):
        Job.objects.all().delete()
        requeue.pick_up()
        run.drain(most=3)
    assert left(images) == []
    assert state(order) in (State.REMOVED, State.CLOSED)


class Killed(BaseException):
    """As if the worker had been killed: nothing catches it."""


def killed_after(statements: int) -> Callable[..., object]:
    left = statements

    def count(execute: Callable[..., object], *given: object) -> object:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed
        return execute(*given)

    return count


def test_killed_at_any_statement_it_opens_each_image_once(sam: User, lee: User) -> None:
    images = {indexed_image() for _ in range(5)}
    order = confirmed(sam, lee)
    for statements in range(0, 90, 3):
        with suppress(Killed), connection.execute_wrapper(killed_after(statements)):
            work.open_removals(str(order.code))
    opened = list(Takedown.objects.values_list("image_id", flat=True))
    assert len(opened) == len(set(opened))
    assert set(opened) == images
