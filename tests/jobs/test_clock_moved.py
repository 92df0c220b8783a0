"""A machine's clock is set forward or back, by an hour or a day, while work is under way."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from pytest_django import Settings

from matching import service
from matching.models import HarvestedImage
from matching.types import Store
from portal.core import clock
from portal.jobs import kinds, queue
from portal.takedowns.models import Takedown
from portal.takedowns.removals import open_removal
from portal.takedowns.states import TakedownState
from tests.builders import indexed_image

pytestmark = pytest.mark.django_db(transaction=True)
Drain = Callable[[], int]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MOVES = pytest.mark.parametrize("moved", [HOUR, DAY, -HOUR, -DAY], ids=["+1h", "+1d", "-1h", "-1d"])


@pytest.fixture(autouse=True)
def nothing_follows() -> None:
    kinds.register({"test.nothing": lambda subject: None})


@MOVES
def test_nobody_takes_a_job_from_a_worker_that_lives(moved: timedelta) -> None:
    """Leases are timed by the database, whose clock all workers share."""
    queue.enqueue("test.nothing", "one")
    held = queue.claim()
    clock.move(moved)
    assert queue.claim() is None
    assert held is not None
    assert queue.finish(held)


@MOVES
def test_what_is_due_stays_due(moved: timedelta) -> None:
    queue.enqueue("test.nothing", "one")
    clock.move(moved)
    queue.set_right()  # as each sweep does
    assert queue.claim() is not None


def test_what_has_its_time_waits_for_it() -> None:
    queue.enqueue("test.nothing", "one", run_at=clock.now() + 2 * HOUR)
    assert queue.claim() is None
    clock.move(HOUR)
    queue.set_right()
    assert queue.claim() is None
    clock.move(HOUR)
    assert queue.claim() is not None


@MOVES
def test_an_approved_image_is_hidden_at_once_and_cools_no_shorter(
    drain: Drain, settings: Settings, moved: timedelta
) -> None:
    settings.COOLING = 2 * DAY
    image = indexed_image()
    removal = open_removal(uuid4(), [image], job_when_removed="test.nothing", job_when_purged="test.nothing")
    clock.move(moved)
    queue.set_right()
    drain()
    assert HarvestedImage.objects.get().hidden_at is not None
    assert removal.takedowns.get().state == TakedownState.HIDDEN
    clock.move(-moved)
    drain()
    assert service.present(image, Store.INDEX)
    clock.move(abs(moved) + 2 * DAY)
    drain()
    assert Takedown.objects.get().state in (TakedownState.REMOVED, TakedownState.PURGED)
    assert not any(service.present(image, store) for store in Store)
