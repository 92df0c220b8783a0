"""Images go through the stores in batches; what goes wrong with one of them stays with that one."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from pytest_django import Settings

from matching import service
from matching.erasure import tombstones
from matching.types import Store
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.jobs import kinds, run
from portal.operations import tasks
from portal.takedowns import connectors, moves, work
from portal.takedowns.connectors.base import Connector, Erasure, StoreError
from portal.takedowns.models import Removal, Step, Takedown
from portal.takedowns.removals import open_removal
from portal.takedowns.states import RemovalState, StepState, TakedownState
from tests.builders import indexed_image

pytestmark = pytest.mark.django_db(transaction=True)
JOBS = ("removal.hide", "removal.remove")


@pytest.fixture(autouse=True)
def followers(settings: Settings) -> Iterator[None]:
    settings.PURGE_AFTER = timedelta(hours=1)
    names = ("test.then", "test.at_last")
    kinds.register(dict.fromkeys(names, lambda _subject: None))
    yield
    kinds.forget(*names)


def begin(images: list[UUID]) -> Removal:
    return open_removal(uuid4(), images, job_when_removed="test.then", job_when_purged="test.at_last")


class Batched:
    """A store that takes batches, and chokes on some of what it is given."""

    name = "elsewhere"

    def __init__(self, held: list[UUID], *, chokes_on: set[UUID] = frozenset(), keeps: set[UUID] = frozenset()) -> None:  # type: ignore[assignment]  # neither is changed
        self.held, self.chokes_on, self.keeps = set(held), chokes_on, keeps
        self.batches: list[int] = []

    def remove(self, erasure: Erasure) -> None:
        if erasure.image_id in self.chokes_on:
            raise StoreError("choked", permanent=False)
        self.held -= {erasure.image_id} - self.keeps

    def present(self, erasure: Erasure) -> bool:
        return erasure.image_id in self.held

    def remove_many(self, erasures: list[Erasure]) -> None:
        self.batches.append(len(erasures))
        for erasure in erasures:
            self.remove(erasure)

    def present_many(self, erasures: list[Erasure]) -> frozenset[Erasure]:
        return frozenset(filter(self.present, erasures))


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> Callable[[Connector], None]:
    def add(store: Connector) -> None:
        every: dict[str, Connector] = {store.name: store, **connectors.ALL}
        monkeypatch.setattr(connectors, "ALL", every)

    return add


def test_it_asks_a_store_once_for_a_batch(add: Callable[[Connector], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "BATCH", 4)
    images = [uuid4() for _ in range(10)]
    store = Batched(images)
    add(store)
    begin(images)
    run.drain()
    assert store.batches == [4, 4, 2]
    assert store.held == set()
    assert Removal.objects.get().state == RemovalState.REMOVED


def test_what_a_store_chokes_on_or_keeps_does_not_hold_up_the_rest(add: Callable[[Connector], None]) -> None:
    images = [uuid4() for _ in range(6)]
    store = Batched(images, chokes_on={images[0]}, keeps={images[1]})
    add(store)
    begin(images)
    run.drain()
    failed = Step.objects.filter(state=StepState.FAILED)
    assert {step.takedown.image_id for step in failed} == {images[0], images[1]}
    assert Takedown.objects.filter(state=TakedownState.REMOVED).count() == 4
    assert set(Takedown.objects.filter(image_id__in=images[:2]).values_list("state", flat=True)) == {"removing"}


def test_a_store_that_is_away_is_not_asked_for_every_image(add: Callable[[Connector], None]) -> None:
    images = [uuid4() for _ in range(20)]
    asked: list[UUID] = []

    class Away(Batched):
        remove_many = None  # type: ignore[assignment]  # takes no batches

        def remove(self, erasure: Erasure) -> None:
            asked.append(erasure.image_id)
            raise StoreError("away", permanent=False)

    add(Away(images))
    begin(images)
    run.drain()
    assert len(asked) == 3
    assert Step.objects.filter(state=StepState.FAILED, attempts=1).count() == 20


def test_a_store_that_is_configured_no_more_comes_before_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    begin([uuid4()])
    monkeypatch.setattr(connectors, "ALL", {name: connectors.ALL[name] for name in ("images", "index")})
    run.drain()
    assert Step.objects.get(store="derived").state == StepState.STUCK
    assert Takedown.objects.get().state == TakedownState.STUCK


def test_a_worker_that_died_after_a_step_got_stuck_holds_up_nothing() -> None:
    images = [uuid4(), uuid4()]
    removal = begin(images)
    kinds.work("removal.hide")(str(removal.pk))
    takedown = Takedown.objects.get(image_id=images[0])
    moves.move_takedown(takedown, TakedownState.REMOVING)
    moves.move_step(takedown.steps.get(store="images"), StepState.STUCK, error="OSError")
    run.drain()
    states = dict(Takedown.objects.values_list("image_id", "state"))
    assert states == {images[0]: TakedownState.STUCK, images[1]: TakedownState.REMOVED}


class Killed(BaseException):
    """As if the worker had been killed: nothing catches it."""


def carry_out(removal: Removal, *, statements: int | None) -> bool:
    """Hide and remove; False when it was killed instead of that many statements' end."""
    left = statements

    def count(execute: Callable[..., Any], *given: Any) -> Any:
        nonlocal left
        if left is not None:
            left -= 1
            if left < 0:
                raise Killed
        return execute(*given)

    try:
        with connection.execute_wrapper(count):
            for kind in JOBS:
                kinds.work(kind)(str(removal.pk))
    except Killed:
        return False
    return True


def test_killed_at_any_statement_it_goes_on_and_records_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tombstones, "MOMENT", 0.0)
    statements = 0
    while True:
        images = [indexed_image() for _ in range(2)]
        removal = begin(images)
        ended = carry_out(removal, statements=statements)
        tasks.catch_up()  # as each worker does: the line may be on the disk that the database was killed before
        assert carry_out(removal, statements=None)
        about = Entry.objects.filter(about=str(removal.pk))
        moved = Counter(about.filter(tag=Tag.TAKEDOWN_MOVED).values_list("detail__image", "detail__to"))
        verified = Counter(about.filter(tag=Tag.STEP_VERIFIED).values_list("detail__takedown", "detail__store"))
        assert set(moved.values()) == {1}
        assert len(moved) == len(images) * 3
        assert set(verified.values()) == {1}
        assert len(verified) == len(images) * len(connectors.ALL)
        assert not any(service.present(image, store) for image in images for store in Store)
        removal.refresh_from_db()
        assert removal.state == RemovalState.REMOVED
        if ended:
            break
        statements += 2
    assert statements > 40
