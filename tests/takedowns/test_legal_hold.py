"""A legal hold: hidden at once, kept whatever else is decided, deleted after release."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from pytest_django import Settings

from matching import service
from matching.types import Store
from portal.accounts.models import User
from portal.core import clock
from portal.core.faults import NotAllowed
from portal.takedowns import holds
from portal.takedowns.models import HoldReason, Removal, Takedown
from portal.takedowns.states import RemovalState, TakedownState
from tests.builders import indexed_image, look_at_hold
from tests.takedowns.build import is_whole, let_go, place, remove, searchable_image

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("over_kind")]
Drain = Callable[[], int]


def test_it_is_hidden_at_once_kept_and_deleted_after_release(
    sam: User, lee: User, drain: Drain, settings: Settings
) -> None:
    settings.COOLING = timedelta(hours=24)
    image = searchable_image()
    remove(image)
    hold = place(image, sam, lee)
    assert service.searchable([image]) == frozenset()  # before any worker came
    drain()
    clock.move(timedelta(days=3))
    drain()
    assert Takedown.objects.get().state == TakedownState.HELD
    assert is_whole(image)
    let_go(hold, sam, lee)
    drain()
    assert Takedown.objects.get().state == TakedownState.PURGED
    assert not any(service.present(image, store) for store in Store)


def test_one_persons_word_stops_it_and_a_second_ones_lets_it_go_on(sam: User, lee: User, drain: Drain) -> None:
    image = indexed_image()
    remove(image)
    hold = holds.propose([image], HoldReason.LITIGATION, by=sam)
    drain()
    assert is_whole(image)
    for verb in (holds.confirm, holds.decline):
        with pytest.raises(NotAllowed):
            verb(hold, by=sam)
    look_at_hold(hold, lee)
    holds.decline(hold, by=lee)
    drain()
    assert Takedown.objects.get().state == TakedownState.PURGED


def test_what_nobody_had_decided_to_delete_is_hidden_kept_and_deleted_after_release(
    sam: User, lee: User, drain: Drain
) -> None:
    image = searchable_image()
    hold = place(image, sam, lee)
    drain()
    assert service.searchable([image]) == frozenset()
    assert Takedown.objects.get().state == TakedownState.HELD
    assert is_whole(image)
    let_go(hold, sam, lee)
    drain()
    assert not any(service.present(image, store) for store in Store)


def test_a_removal_decided_while_it_is_held_waits_too(sam: User, lee: User, drain: Drain) -> None:
    image = indexed_image()
    hold = place(image, sam, lee)
    later = remove(image)
    drain()
    assert Takedown.objects.get(removal=later).state == TakedownState.HELD
    assert is_whole(image)
    let_go(hold, sam, lee)
    drain()
    assert set(Takedown.objects.values_list("state", flat=True)) == {TakedownState.PURGED}


def test_what_was_decided_with_it_is_purged_while_it_is_held(sam: User, lee: User, drain: Drain) -> None:
    image, other = indexed_image(), indexed_image()
    removal = remove(image, other)
    hold = place(image, sam, lee)
    drain()
    assert Takedown.objects.get(image_id=other).state == TakedownState.PURGED
    assert Removal.objects.get(pk=removal).state == RemovalState.REMOVING
    let_go(hold, sam, lee)
    drain()
    assert set(Takedown.objects.values_list("state", flat=True)) == {TakedownState.PURGED}
    assert Removal.objects.get(pk=removal).state == RemovalState.PURGED


def test_two_holds_on_one_image_both_have_to_end(sam: User, lee: User, drain: Drain) -> None:
    image = indexed_image()
    first, second = place(image, sam, lee), place(image, lee, sam)
    let_go(first, sam, lee)
    drain()
    assert is_whole(image)
    let_go(second, sam, lee)
    drain()
    assert not service.present(image, Store.INDEX)


def test_what_is_gone_cannot_be_held(sam: User, drain: Drain) -> None:
    image = indexed_image()
    remove(image)
    drain()
    with pytest.raises(NotAllowed):
        holds.propose([image], HoldReason.LITIGATION, by=sam)
