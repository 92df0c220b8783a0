"""A removal: hidden, removed from every store, read back; a store that fails or lies is caught."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.db import connection
from pytest_django import Settings

from matching import service
from matching.erasure import disk_residue, purging
from matching.types import Store
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.core import clock
from portal.jobs import kinds, queue
from portal.jobs.models import Job
from portal.jobs.models import State as JobState
from portal.staff import timeline
from portal.takedowns import connectors, removals
from portal.takedowns import work as work_on
from portal.takedowns.connectors.base import Connector, Erasure, StoreError
from portal.takedowns.models import Removal, Step, Takedown
from portal.takedowns.removals import open_removal
from portal.takedowns.states import RemovalState, StepState, TakedownState
from portal.takedowns.work import ATTEMPTS
from tests.builders import astronaut_jpeg, harvest

pytestmark = pytest.mark.django_db(transaction=True)
Drain = Callable[[], int]
told: list[str] = []


@pytest.fixture(autouse=True)
def work() -> Iterator[None]:
    told.clear()
    kinds.register(
        {
            "test.then": lambda subject: told.append(f"then {subject}"),
            "test.at_last": lambda subject: told.append(f"at last {subject}"),
        }
    )
    yield
    kinds.forget("test.then", "test.at_last")


@pytest.fixture
def image(tmp_path: Path) -> UUID:
    return harvest(tmp_path, {"ana.jpg": astronaut_jpeg(size=256)})["ana.jpg"]


def begin(*images: UUID) -> Removal:
    return open_removal(uuid4(), images, job_when_removed="test.then", job_when_purged="test.at_last")


class Store3rdParty:
    """A store as a foreign service might behave: away for a while, or lying."""

    name = "elsewhere"

    def __init__(self, *, away: int = 0, lies: bool = False, permanent: bool = False) -> None:
        self.away, self.lies, self.permanent = away, lies, permanent
        self.held: set[UUID] = set()

    def remove(self, erasure: Erasure) -> None:
        if self.away:
            self.away -= 1
            raise StoreError("away", permanent=self.permanent)
        if not self.lies:
            self.held.discard(erasure.image_id)

    def present(self, erasure: Erasure) -> bool:
        return erasure.image_id in self.held


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Store3rdParty]:
    def add(image: UUID, **behaviour: object) -> Store3rdParty:
        store = Store3rdParty(**behaviour)  # type: ignore[arg-type]  # the test's own keywords
        store.held.add(image)
        every: dict[str, Connector] = {"elsewhere": store, **connectors.ALL}
        monkeypatch.setattr(connectors, "ALL", every)
        return store

    return add


def keep_trying(drain: Drain) -> None:
    for _ in range(ATTEMPTS + 2):
        drain()
        clock.move(timedelta(hours=1))


def test_an_image_is_hidden_removed_read_back_and_purged(image: UUID, drain: Drain) -> None:
    removal = begin(image)
    drain()
    removal.refresh_from_db()
    assert removal.state == RemovalState.PURGED
    assert None not in (removal.hidden_at, removal.removed_at, removal.purged_at)
    assert not any(service.present(image, store) for store in Store)
    assert told == [f"then {removal.origin}", f"at last {removal.origin}"]
    assert Entry.objects.filter(tag=Tag.STEP_VERIFIED).count() == len(connectors.ALL)


def test_hidden_images_leave_the_operators_search_before_they_are_removed(
    image: UUID, drain: Drain, settings: Settings
) -> None:
    settings.COOLING = timedelta(hours=24)
    begin(image)
    assert service.searchable([image]) == {image}
    drain()
    assert service.searchable([image]) == frozenset()
    assert Takedown.objects.get().state == TakedownState.HIDDEN
    assert all(service.present(image, store) for store in Store)
    clock.move(timedelta(hours=25))
    drain()
    assert Takedown.objects.get().state == TakedownState.PURGED


def test_within_the_cooling_time_it_can_be_restored_and_is_not_removed(
    image: UUID, drain: Drain, settings: Settings
) -> None:
    settings.COOLING = timedelta(hours=24)
    begin(image)
    drain()
    removals.restore(Takedown.objects.get(), by=1)
    assert service.searchable([image]) == {image}
    clock.move(timedelta(hours=25))
    drain()
    assert all(service.present(image, store) for store in Store)
    assert Removal.objects.get().state == RemovalState.PURGED


def test_restoring_one_removal_does_not_show_what_another_one_hides(
    image: UUID, drain: Drain, settings: Settings
) -> None:
    settings.COOLING = timedelta(hours=24)
    first, second = begin(image), begin(image)
    drain()
    removals.restore(first.takedowns.get(), by=1)
    assert service.searchable([image]) == frozenset()
    clock.move(timedelta(hours=25))
    drain()
    assert not service.present(image, Store.INDEX)
    assert second.takedowns.get().state == TakedownState.PURGED


def test_after_the_cooling_time_it_is_too_late(image: UUID, drain: Drain) -> None:
    begin(image)
    drain()
    with pytest.raises(removals.TooLate):
        removals.restore(Takedown.objects.get(), by=1)


def test_an_image_that_is_gone_already_is_no_error(drain: Drain) -> None:
    begin(uuid4())
    drain()
    assert Removal.objects.get().state == RemovalState.PURGED


def test_a_store_that_is_away_is_tried_again(
    image: UUID, drain: Drain, elsewhere: Callable[..., Store3rdParty]
) -> None:
    store = elsewhere(image, away=3)
    begin(image)
    keep_trying(drain)
    assert store.held == set()
    assert Removal.objects.get().state == RemovalState.PURGED


@pytest.mark.parametrize("behaviour", [{"lies": True}, {"away": 1000}, {"away": 1000, "permanent": True}])
def test_a_store_that_lies_or_stays_away_is_laid_before_a_person(
    image: UUID, drain: Drain, elsewhere: Callable[..., Store3rdParty], behaviour: dict[str, object]
) -> None:
    elsewhere(image, **behaviour)
    begin(image)
    keep_trying(drain)
    assert Step.objects.get(store="elsewhere").state == StepState.STUCK
    assert Takedown.objects.get().state == TakedownState.STUCK
    assert Removal.objects.get().state == RemovalState.REMOVING
    assert told == []


def test_after_a_person_mended_the_store_a_stuck_step_is_tried_again(
    image: UUID, drain: Drain, elsewhere: Callable[..., Store3rdParty]
) -> None:
    store = elsewhere(image, lies=True)
    begin(image)
    keep_trying(drain)
    store.lies = False
    removals.retry(Step.objects.get(state=StepState.STUCK), by=1)
    drain()
    assert Removal.objects.get().state == RemovalState.PURGED
    assert store.held == set()


def test_one_stuck_image_does_not_hold_up_the_others(
    image: UUID, tmp_path: Path, drain: Drain, elsewhere: Callable[..., Store3rdParty]
) -> None:
    other = harvest(tmp_path, {"second.jpg": astronaut_jpeg(size=300)})["second.jpg"]
    elsewhere(image, lies=True)
    begin(image, other)
    keep_trying(drain)
    assert not service.present(other, Store.INDEX)
    assert Takedown.objects.get(image_id=other).state == TakedownState.PURGED
    assert Removal.objects.get().state == RemovalState.REMOVING


def test_running_every_job_twice_changes_nothing_more(image: UUID, drain: Drain) -> None:
    removal = begin(image)
    drain()
    entries = Entry.objects.count()
    for kind in ("removal.hide", "removal.remove", "removals.purge"):
        kinds.work(kind)(str(removal.id))
    assert Entry.objects.count() == entries


def test_a_removal_is_purged_only_once_no_file_is_left_that_may_hold_its_rows(
    image: UUID, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    removal = begin(image)
    with monkeypatch.context() as killed_once:
        killed_once.setattr(disk_residue, "stray_files", lambda: ("16390",))
        drain()
    removal.refresh_from_db()
    assert (removal.state, removal.log_checked) == (RemovalState.REMOVED, None)
    clock.move(timedelta(hours=1))
    drain()
    removal.refresh_from_db()
    assert (removal.state, removal.log_checked) == (RemovalState.PURGED, True)
    moved = Entry.objects.filter(tag=Tag.REMOVAL_MOVED, detail__to="purged").get()
    assert moved.detail["log_checked"] is True


@pytest.mark.parametrize("unseen", ["log_files", "stray_files"])
def test_on_a_server_that_shows_no_log_a_removal_is_purged_and_the_log_not_claimed(
    image: UUID, drain: Drain, monkeypatch: pytest.MonkeyPatch, unseen: str
) -> None:
    monkeypatch.setattr(disk_residue, unseen, lambda *_before: None)
    removal = begin(image)
    drain()
    removal.refresh_from_db()
    assert (removal.state, removal.log_checked) == (RemovalState.PURGED, False)
    (line,) = [event.text for event in timeline.events(Entry.objects.all()) if event.text.startswith("Purged")]
    assert line == "Purged from data files; log not seen"


def test_a_removal_is_purged_only_once_nobody_can_see_its_rows(
    image: UUID, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadPoolExecutor(1) as reader:

        def begin_to_read() -> None:
            connection.set_autocommit(False)
            connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM auth_group")

        def end() -> None:
            connection.rollback()
            connection.close()

        removal = begin(image)
        reader.submit(begin_to_read).result()
        with monkeypatch.context() as patient:
            patient.setattr(purging, "SNAPSHOT_WAIT", 0.2)
            drain()
        removal.refresh_from_db()
        assert removal.state == RemovalState.REMOVED
        reader.submit(end).result()
    clock.move(timedelta(hours=1))
    drain()
    removal.refresh_from_db()
    assert removal.state == RemovalState.PURGED


def test_an_index_that_is_away_leaves_its_steps_to_a_person(
    image: UUID, drain: Drain, no_index: Callable[[], None]
) -> None:
    """And not a job that died: the other stores are done, and the index has its own word for it."""
    removal = begin(image)
    work_on.hide(str(removal.pk))
    no_index()
    keep_trying(drain)
    steps = dict(Step.objects.values_list("store", "state"))
    assert steps.pop("index") == StepState.STUCK
    assert set(steps.values()) == {StepState.VERIFIED}
    assert Step.objects.get(store="index").last_error == "IndexAway"
    assert Takedown.objects.get().state == TakedownState.STUCK
    assert not Job.objects.filter(kind="removal.remove", state=JobState.DEAD).exists()


def test_hiding_waits_for_an_index_that_is_away(image: UUID, drain: Drain, no_index: Callable[[], None]) -> None:
    begin(image)
    no_index()
    for _ in range(queue.ATTEMPTS + 2):
        drain()
        clock.move(timedelta(hours=1))
    assert Takedown.objects.get().state == TakedownState.QUEUED
    assert not Job.objects.filter(state=JobState.DEAD).exists()
