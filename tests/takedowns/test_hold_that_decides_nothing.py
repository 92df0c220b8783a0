"""A hold that was declined or placed by mistake leaves everything as it would have been without it."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from pytest_django import Settings

from matching import service
from matching.types import Store
from portal.accounts.models import User
from portal.core import clock
from portal.takedowns import holds
from portal.takedowns.models import Hold, HoldReason, ReleasedBecause, Takedown
from portal.takedowns.removals import TooLate, restore
from portal.takedowns.states import TakedownState
from tests.builders import indexed_image, look_at_hold
from tests.takedowns.build import is_whole, let_go, place, remove, searchable_image

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("over_kind")]
Drain = Callable[[], int]


@pytest.fixture(params=["declined", "mistaken"])
def undo(request: pytest.FixtureRequest, sam: User, lee: User) -> Callable[[UUID], None]:
    """Hold an image, then take it back in one of the two ways that decide nothing."""

    def hold_and_undo(image: UUID) -> None:
        hold = holds.propose([image], HoldReason.LITIGATION, by=sam)
        take_back(hold, sam, lee, mistaken=request.param == "mistaken")

    return hold_and_undo


def take_back(hold: Hold, sam: User, lee: User, *, mistaken: bool) -> None:
    if mistaken:
        look_at_hold(hold, hold.proposed_by, lee)
        holds.confirm(hold, by=lee)
        holds.propose_release(hold, ReleasedBecause.MISTAKEN, by=sam)
        holds.confirm_release(hold, by=lee)
    else:
        look_at_hold(hold, lee)
        holds.decline(hold, by=lee)


def test_what_nobody_decided_to_delete_is_shown_again_after_a_hold_that_decides_nothing(
    undo: Callable[[UUID], None], drain: Drain
) -> None:
    image = searchable_image()
    undo(image)
    drain()
    clock.move(timedelta(days=8))
    drain()
    assert is_whole(image)
    assert service.searchable([image]) == {image}
    assert Takedown.objects.get().state == TakedownState.RESTORED


def test_a_restored_image_stays_after_a_hold_that_decides_nothing(
    undo: Callable[[UUID], None], drain: Drain, sam: User, settings: Settings
) -> None:
    settings.COOLING = timedelta(hours=24)
    image = searchable_image()
    remove(image)
    drain()
    restore(Takedown.objects.get(), by=sam.pk)
    undo(image)
    clock.move(timedelta(days=8))
    drain()
    assert is_whole(image)
    assert service.searchable([image]) == {image}


@pytest.mark.parametrize("began", [True, False])
def test_what_was_approved_keeps_its_cooling_time_after_a_hold_that_decides_nothing(
    undo: Callable[[UUID], None], drain: Drain, sam: User, settings: Settings, began: bool
) -> None:
    settings.COOLING = timedelta(hours=24)
    image = searchable_image()
    remove(image)
    if began:
        drain()
    ends = Takedown.objects.get().cools_until
    undo(image)
    drain()
    takedown = Takedown.objects.get()
    assert takedown.state == TakedownState.HIDDEN
    assert takedown.cools_until is not None
    if began:
        assert takedown.cools_until == ends
    assert takedown.cools_until > clock.now() + timedelta(hours=23)
    restore(takedown, by=sam.pk)
    assert service.searchable([image]) == {image}


def test_what_was_approved_is_deleted_after_its_cooling_time_all_the_same(
    undo: Callable[[UUID], None], drain: Drain, settings: Settings
) -> None:
    settings.COOLING = timedelta(hours=24)
    image = searchable_image()
    remove(image)
    drain()
    undo(image)
    clock.move(timedelta(hours=25))
    drain()
    assert Takedown.objects.get().state == TakedownState.PURGED


@pytest.mark.parametrize("mistaken", [True, False])
def test_a_second_hold_still_keeps_what_the_first_one_lets_back(
    sam: User, lee: User, drain: Drain, mistaken: bool
) -> None:
    image = searchable_image()
    first = holds.propose([image], HoldReason.LITIGATION, by=sam)
    second = holds.propose([image], HoldReason.LITIGATION, by=lee)
    take_back(first, sam, lee, mistaken=mistaken)
    drain()
    assert service.searchable([image]) == frozenset()
    take_back(second, lee, sam, mistaken=mistaken)
    drain()
    assert is_whole(image)
    assert service.searchable([image]) == {image}


def test_of_two_holds_one_that_has_ended_deletes_whatever_the_other_one_came_to(
    sam: User, lee: User, drain: Drain
) -> None:
    image = indexed_image()
    ending, mistaken = place(image, sam, lee), holds.propose([image], HoldReason.LITIGATION, by=lee)
    let_go(ending, sam, lee)
    look_at_hold(mistaken, sam)
    holds.decline(mistaken, by=sam)
    drain()
    assert not service.present(image, Store.INDEX)


def test_what_is_let_back_stays_hidden_while_another_removal_has_it(
    drain: Drain, sam: User, lee: User, settings: Settings
) -> None:
    settings.COOLING = timedelta(hours=24)
    image = searchable_image()
    hold = holds.propose([image], HoldReason.LITIGATION, by=sam)
    approved = remove(image)
    look_at_hold(hold, lee)
    holds.decline(hold, by=lee)
    assert service.searchable([image]) == frozenset()
    clock.move(timedelta(hours=25))
    drain()
    assert Takedown.objects.get(removal=approved).state == TakedownState.PURGED


def test_a_held_image_cannot_be_restored(sam: User, lee: User, drain: Drain, settings: Settings) -> None:
    settings.COOLING = timedelta(hours=24)
    image = indexed_image()
    remove(image)
    drain()
    place(image, sam, lee)
    with pytest.raises(TooLate):
        restore(Takedown.objects.get(), by=sam.pk)
