"""The one writer of an order's state."""

from datetime import datetime

from django.db import transaction

from portal.audit import append
from portal.audit.tags import Tag
from portal.core import clock
from portal.orders.faults import NotAllowed, StaleOrder
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
    """Errors: NotAllowed when no such move exists, StaleOrder when another writer was quicker."""
    was = State(order.state)
    if to not in MOVES[was]:
        raise NotAllowed(f"{was} → {to}")
    stamps: dict[str, datetime] = {}
    if (stamp := _STAMPS.get(to)) and getattr(order, stamp) is None:
        stamps[stamp] = clock.now()
    if not Order.objects.filter(pk=order.pk, state=was).update(state=to, **stamps):
        raise StaleOrder(f"{was} → {to}")
    order.state = to
    for name, at in stamps.items():
        setattr(order, name, at)
    append.append(Tag.ORDER_MOVED, about=order.code, actor=by, was=was.value, to=to.value)
