"""Each legal move of an order is made by the verb that people or workers use; every other is refused.

The moves are written out here, so that a change of the table in `portal.orders.states` must be meant.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise

import pytest
from pytest_django import Settings

from matching.types import Scope
from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.core import clock
from portal.core.faults import NotAllowed, Stale
from portal.jobs import run
from portal.orders import actions, moves, work
from portal.orders.models import Order
from portal.orders.states import MOVES, State
from portal.takedowns import work as takedown_work
from portal.takedowns.models import Removal
from tests.builders import indexed_image, look_at_order, make_account

pytestmark = pytest.mark.django_db(transaction=True)
Verb = Callable[[Order], None]
S = State


@pytest.fixture(autouse=True)
def purged_later(settings: Settings) -> None:
    settings.PURGE_AFTER = timedelta(hours=100)


def order_in(state: State) -> Order:
    """An order of one image that came into its state as it does in life."""
    indexed_image()
    order = actions.propose_scope(
        Scope(site="photos.example"), by=_staff("sam"), authority="A regulator", reference="2026-1"
    )
    for verb in _WAY[state]:
        verb(order)
        order.refresh_from_db()
    assert order.state == state
    return order


def confirm(order: Order) -> None:
    _look(order)
    actions.confirm(order, by=_staff("lee"))


def decline(order: Order) -> None:
    _look(order)
    actions.decline(order, by=_staff("lee"))


def _look(order: Order) -> None:
    if order.state == State.PROPOSED:
        look_at_order(order, _staff("sam"), _staff("lee"))


def take_back(order: Order) -> None:
    actions.take_back(order, by=_staff("sam"))


def open_removals(order: Order) -> None:
    work.open_removals(str(order.code))


def settle_with_something_opened(order: Order) -> None:
    _remove_all(order)
    work.settle(str(order.code))


def settle_with_nothing_new(order: Order) -> None:
    _remove_all(order)
    Order.objects.filter(pk=order.pk).update(opened_in_pass=0)
    work.settle(str(order.code))


def _remove_all(order: Order) -> None:
    for removal in Removal.objects.filter(origin=order.code):
        takedown_work.hide(str(removal.pk))
        takedown_work.remove(str(removal.pk))


def close(order: Order) -> None:
    """When the time for the purge has come."""
    if Removal.objects.filter(origin=order.code).exists():
        clock.move(timedelta(hours=101))
        takedown_work.purge("all")
    work.close(str(order.code))


def drain(order: Order) -> None:
    run.drain()


def _staff(name: str) -> User:
    return make_account(name)


_WAY: dict[State, tuple[Verb, ...]] = {
    S.PROPOSED: (),
    S.DECLINED: (decline,),
    S.TAKEN_BACK: (take_back,),
    S.OPENING: (confirm,),
    S.REMOVING: (confirm, open_removals),
    S.REMOVED: (confirm, drain),
    S.CLOSED: (confirm, drain, close),
}
# What each verb makes of an order in each state; in a state that is not named here it moves nothing.
MADE: dict[Verb, dict[State, State]] = {
    confirm: {S.PROPOSED: S.OPENING},
    decline: {S.PROPOSED: S.DECLINED},
    take_back: {S.PROPOSED: S.TAKEN_BACK},
    open_removals: {S.OPENING: S.REMOVING},
    settle_with_something_opened: {S.REMOVING: S.OPENING},
    settle_with_nothing_new: {S.REMOVING: S.REMOVED},
    close: {S.REMOVED: S.CLOSED},
}
LEGAL = {pair for made in MADE.values() for pair in made.items()}


@pytest.mark.parametrize("verb", MADE)
def test_each_verb_makes_its_moves_and_no_other(verb: Verb) -> None:
    for was in State:
        order = order_in(was)
        before = len(_trail(order))
        to = MADE[verb].get(was, was)
        if to == was:
            with suppress(NotAllowed, Stale):
                verb(order)
        else:
            verb(order)
        assert Order.objects.get(pk=order.pk).state == to
        assert _trail(order)[before:] == list(pairwise([was, to] if to != was else [was]))


def _trail(order: Order) -> list[tuple[str, str]]:
    entries = Entry.objects.filter(tag=Tag.ORDER_MOVED, about=str(order.code)).order_by("pk")
    return [(entry.detail["was"], entry.detail["to"]) for entry in entries]


def test_the_table_allows_what_a_verb_makes_and_no_more() -> None:
    assert {(State(was), State(to)) for was, every in MOVES.items() for to in every} == LEGAL


@pytest.mark.parametrize("was", State)
def test_every_other_move_is_refused_and_leaves_the_order(was: State) -> None:
    order = order_in(was)
    for to in State:
        if (was, to) not in LEGAL:
            with pytest.raises(NotAllowed):
                moves.move(order, to)
            assert Order.objects.get(pk=order.pk).state == was
