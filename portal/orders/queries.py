"""Every read of orders that depends on who asks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import Count, QuerySet
from django.http import Http404

from matching import service
from portal.accounts.models import User
from portal.audit import append
from portal.audit.tags import Tag
from portal.core import clock
from portal.orders.models import Order
from portal.orders.states import State
from portal.policies import operations
from portal.takedowns import holds
from portal.takedowns.models import Takedown
from portal.takedowns.states import TakedownState

_GONE = (TakedownState.REMOVED, TakedownState.PURGED)


def orders(by: User) -> QuerySet[Order]:
    """Newest first."""
    if not by.is_reviewer:
        return Order.objects.none()
    return Order.objects.select_related("made_by").order_by("-made_at")


def waiting_for(by: User) -> QuerySet[Order]:
    """Orders of colleagues that `by` can confirm or decline."""
    return orders(by).filter(state=State.PROPOSED).exclude(made_by=by)


def order_for_staff(by: User, code: UUID) -> Order:
    """The order, and one entry in the trail that it was viewed. Errors: Http404."""
    order = order_to_act_on(by, code)
    append.append(Tag.ORDER_VIEWED, about=order.code, actor=by.pk)
    return order


def order_to_act_on(by: User, code: UUID) -> Order:
    """The same for a verb, which leaves its own entry. Errors: Http404."""
    order = orders(by).select_related("decided_by").filter(pk=code).first()
    if order is None:
        raise Http404
    return order


def of_order(order: Order, image_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of the images that the order would delete, or is deleting."""
    opened = Takedown.objects.filter(removal__origin=order.code, image_id__in=image_ids)
    listed = order.listed.filter(image_id__in=image_ids)
    in_scope = frozenset() if order.by_list else service.within(order.scope, image_ids)
    return in_scope.union(opened.values_list("image_id", flat=True), listed.values_list("image_id", flat=True))


@dataclass(frozen=True)
class Progress:
    """How far an order has come, in images."""

    images: int  # in its scope: as proposed, or as many as were opened where that is more
    by_state: Mapping[str, int]  # of its takedowns
    rate: float  # images removed a second, lately
    remaining: timedelta | None  # None where nothing moves

    @property
    def opened(self) -> int:
        return sum(self.by_state.values())

    @property
    def gone(self) -> int:
        return sum(self.by_state.get(state, 0) for state in _GONE)

    @property
    def stuck(self) -> int:
        return self.by_state.get(TakedownState.STUCK, 0)


def progress(order: Order, *, by: User) -> Progress:
    """What others hold counts as what it was before: nobody else is to know what is kept."""
    takedowns = Takedown.objects.filter(removal__origin=order.code)
    by_state = Counter(dict(takedowns.values_list("state").annotate(count=Count("pk")).order_by()))
    held = takedowns.filter(state=TakedownState.HELD)
    by_state[TakedownState.HELD.value] = 0
    by_state.update(holds.shown_states(held, by=by).values())
    images = max(order.images, sum(by_state.values()))
    since = max(clock.now() - operations.RATE_MEASURED_OVER, order.decided_at or clock.now())
    lately = takedowns.filter(removal__removed_at__gt=since).count()
    seconds = (clock.now() - since).total_seconds()
    rate = lately / seconds if seconds > 0 else 0.0
    left = images - sum(by_state.get(state, 0) for state in (*_GONE, TakedownState.RESTORED, TakedownState.STUCK))
    return Progress(images, by_state, rate, timedelta(seconds=left / rate) if rate and left > 0 else None)
