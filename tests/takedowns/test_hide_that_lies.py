"""An index that says an image is hidden and still returns it: tried again, then laid before a person."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from pytest_django import Settings

from matching import service
from matching.types import Store
from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.core import clock
from portal.core.faults import Stale
from portal.jobs import kinds
from portal.operations import requeue
from portal.takedowns import holds, removals
from portal.takedowns.models import HoldReason, Removal, Takedown
from portal.takedowns.states import RemovalState, TakedownState
from portal.takedowns.work import ATTEMPTS
from tests.builders import look_at_hold
from tests.matching import builders as index

pytestmark = pytest.mark.django_db(transaction=True)
Drain = Callable[[], int]


@pytest.fixture(autouse=True)
def followers() -> Iterator[None]:
    kinds.register({"test.over": lambda _subject: None})
    yield
    kinds.forget("test.over")


class Lying:
    """What hides every image but these, and says that it hid them too."""

    def __init__(self) -> None:
        self.images: set[UUID] = set()
        self.hide = service.hide

    def __call__(self, image_ids: list[UUID]) -> None:
        self.hide([image_id for image_id in image_ids if image_id not in self.images])


@pytest.fixture
def lying(monkeypatch: pytest.MonkeyPatch) -> Lying:
    lies = Lying()
    monkeypatch.setattr(service, "hide", lies)
    return lies


def begin(*images: UUID) -> Removal:
    return removals.open_removal(uuid4(), images, job_when_removed="test.over", job_when_purged="test.over")


def searchable_image(seed: int = 1) -> UUID:
    return index.make_image(index.unit_rows(1, seed=seed))


def keep_trying(drain: Drain, times: int = ATTEMPTS + 1) -> None:
    for _ in range(times):
        drain()
        clock.move(timedelta(hours=1))


def state_of(image: UUID) -> str:
    return Takedown.objects.get(image_id=image).state


def test_it_is_tried_again_first(lying: Lying, drain: Drain) -> None:
    image = searchable_image()
    lying.images = {image}
    begin(image)
    keep_trying(drain, 3)
    assert state_of(image) == TakedownState.QUEUED
    lying.images = set()
    keep_trying(drain)
    assert state_of(image) == TakedownState.PURGED


def test_it_comes_before_a_person_and_is_not_called_hidden(lying: Lying, drain: Drain) -> None:
    image = searchable_image()
    lying.images = {image}
    removal = begin(image)
    keep_trying(drain)
    assert service.searchable([image]) == {image}
    assert state_of(image) == TakedownState.STUCK
    removal.refresh_from_db()
    assert (removal.state, removal.hidden_at) == (RemovalState.QUEUED, None)
    assert list(removals.unhidden()) == list(Takedown.objects.all())


def test_it_does_not_hold_up_the_others(lying: Lying, drain: Drain) -> None:
    image, other = searchable_image(1), searchable_image(2)
    lying.images = {image}
    begin(image, other)
    keep_trying(drain)
    assert state_of(other) == TakedownState.PURGED
    assert not service.present(other, Store.INDEX)
    assert state_of(image) == TakedownState.STUCK


def test_once_the_index_is_mended_a_person_has_it_hidden_again(lying: Lying, drain: Drain, sam: User) -> None:
    image, other = searchable_image(1), searchable_image(2)
    lying.images = {image}
    removal = begin(image, other)
    keep_trying(drain)
    lying.images = set()
    requeue.pick_up()
    drain()
    assert state_of(image) == TakedownState.STUCK  # not by itself
    removals.retry_hiding(Takedown.objects.get(image_id=image), by=sam.pk)
    drain()
    removal.refresh_from_db()
    assert removal.state == RemovalState.PURGED
    assert not service.present(image, Store.INDEX)
    entry = Entry.objects.get(tag=Tag.STEP_RETRIED)
    assert (entry.actor, entry.detail["store"]) == (sam.pk, "search")


def test_all_of_them_are_hidden_again_at_once(lying: Lying, drain: Drain, sam: User) -> None:
    images = [searchable_image(1), searchable_image(2)]
    lying.images = set(images)
    for image in images:
        begin(image)
    keep_trying(drain)
    assert removals.retry_store(removals.SEARCH, by=sam.pk) == 2
    assert set(Takedown.objects.values_list("state", "hide_attempts")) == {("queued", 0)}
    with pytest.raises(Stale):
        removals.retry_hiding(Takedown.objects.first(), by=sam.pk)  # type: ignore[arg-type]  # two were made


def test_what_is_let_go_of_a_hold_is_hidden_and_read_back_first(
    lying: Lying, drain: Drain, sam: User, lee: User, settings: Settings
) -> None:
    settings.COOLING = timedelta(hours=24)
    image = searchable_image()
    lying.images = {image}
    removal = begin(image)
    keep_trying(drain)
    hold = holds.propose([image], HoldReason.LITIGATION, by=sam)
    requeue.pick_up()
    drain()
    removal.refresh_from_db()
    assert removal.state == RemovalState.QUEUED
    lying.images = set()
    look_at_hold(hold, lee)
    holds.decline(hold, by=lee)
    drain()
    assert state_of(image) == TakedownState.HIDDEN
    assert service.searchable([image]) == frozenset()
