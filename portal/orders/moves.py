"""The one writer of an order's state."""

from datetime import datetime

from django.db import transaction

from portal.audit import append
from portal.audit.tags import Tag
from portal.core import clock, moving
from portal.orders.models import Order
from portal.orders.states import MOVES, State

_STAMPS: dict[str, str] = {
    State.OPENING: "decided_at",
    State.DECLINED: "decided_at",
    State.TAKEN_BACK: "decided_at",
    State.REMOVED: "removed_at",
    State.CLOSED: "closed_at",
}


@transaction.atomic
def move(order: Order, to: State, *, by: int | None = None) -> None:
    """Move an order to another state, with its entry in the trail. `by` is the account of staff, None for the system.

    Errors: IllegalMove, Stale.
    """
    was = State(order.state)
    stamps: dict[str, datetime] = {}
    if (stamp := _STAMPS.get(to)) and getattr(order, stamp) is None:
        stamps[stamp] = clock.now()
    moving.move(order, to, MOVES, **stamps)
    append.append(Tag.ORDER_MOVED, about=order.code, actor=by, was=was.value, to=to.value)
