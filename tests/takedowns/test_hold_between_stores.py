"""A hold that comes in the middle of a removal stops it before the next store is asked."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic, sleep
from uuid import UUID

import pytest
from django.db import connection

from portal.accounts.models import User
from portal.notices.models import Item
from portal.takedowns import connectors, holds
from portal.takedowns.connectors.base import Connector, Erasure
from portal.takedowns.models import Hold, HoldReason, Takedown
from portal.takedowns.states import HoldState, StepState, TakedownState
from tests.builders import indexed_image
from tests.takedowns.build import is_whole, remove

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("over_kind")]
STEPS = holds._STEPS
Drain = Callable[[], int]


class Interrupting:
    """A store during whose turn a hold is asked for; the rest of the stores must never be reached."""

    name = "interrupting"

    def __init__(self, ask: Callable[[], None]) -> None:
        self.ask = ask

    def remove(self, _erasure: Erasure) -> None:
        self.ask()

    def present(self, _erasure: Erasure) -> bool:
        return False


def test_it_stops_between_two_stores(sam: User, drain: Drain, monkeypatch: pytest.MonkeyPatch) -> None:
    image = indexed_image()

    def hold_it() -> None:
        # As by another process whose turn came between the two: the row is held when the next store is asked.
        Takedown.objects.filter(image_id=image).update(state=TakedownState.HELD)

    every: dict[str, Connector] = {"interrupting": Interrupting(hold_it), **connectors.ALL}
    monkeypatch.setattr(connectors, "ALL", every)
    remove(image)
    drain()
    assert is_whole(image)
    assert Takedown.objects.get().state == TakedownState.HELD
    assert not Item.objects.exists()


def wait_until_it_waits(asked: Future[Hold]) -> None:
    """Until the hold waits for the end of a store's turn; it must not have been placed meanwhile."""
    until = monotonic() + 20
    while monotonic() < until and not asked.done():
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted", [STEPS])
            if cursor.fetchone() is not None:
                return
        sleep(0.02)
    pytest.fail("the hold did not wait")


def test_a_hold_waits_for_the_turn_of_a_store_and_no_store_is_asked_after_it(
    sam: User, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = indexed_image()
    asked: list[Future[Hold]] = []
    after: list[UUID] = []

    def propose() -> Hold:
        try:
            return holds.propose([image], HoldReason.LITIGATION, by=sam)
        finally:
            connection.close()  # the thread's own

    with ThreadPoolExecutor(1) as colleague:

        def ask_for_a_hold() -> None:
            asked.append(colleague.submit(propose))
            wait_until_it_waits(asked[0])
            assert Takedown.objects.get().state == TakedownState.REMOVING

        every: dict[str, Connector] = {
            "interrupting": Interrupting(ask_for_a_hold),
            "after": Interrupting(lambda: after.append(image)),
            **connectors.ALL,
        }
        monkeypatch.setattr(connectors, "ALL", every)
        remove(image)
        drain()
        hold = asked[0].result(timeout=20)
    assert hold.state == HoldState.PROPOSED
    assert after == []
    assert Takedown.objects.get().state == TakedownState.HELD
    assert is_whole(image)
    verified = Takedown.objects.get().steps.filter(state=StepState.VERIFIED)
    assert list(verified.values_list("store", flat=True)) == ["interrupting"]
