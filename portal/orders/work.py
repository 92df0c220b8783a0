"""What workers do with an order. Each may be interrupted anywhere and run again.

An order opens a removal for every few hundred of its images, each in a transaction of its own and each with jobs of
its own. So no transaction is large, all workers share the work, and none is held for longer than one such removal
when something urgent comes.
"""

from time import monotonic
from uuid import UUID

from django.db import transaction
from django.db.models import F

from matching import service
from portal.jobs import queue
from portal.jobs.models import Priority
from portal.orders import moves
from portal.orders.models import NOTHING_YET, Order
from portal.orders.states import State
from portal.takedowns.models import Removal, Takedown
from portal.takedowns.removals import open_removal
from portal.takedowns.states import RemovalState

CHUNK = 500  # images a removal
SLICE = 2.0  # seconds of one job, after which it gives way


def open_removals(code: str) -> None:
    """Go through the scope in the order of the images' ids, and open a removal for each chunk of it."""
    until = monotonic() + SLICE
    while _open_one(code):
        if monotonic() > until:
            queue.enqueue("order.open", code)
            return


def _open_one(code: str) -> bool:
    """False when there is nothing more to open, or not now."""
    with transaction.atomic():
        order = _locked(code)
        if order.state != State.OPENING or order.paused:
            return False
        images = next_images(order)
        if not images:
            moves.move(order, State.REMOVING)
            queue.enqueue("order.settle", order.code)
            return False
        fresh = _not_yet_opened(order, images)
        if fresh:
            open_removal(
                order.code,
                fresh,
                job_when_removed="order.settle",
                job_when_purged="order.close",
                priority=Priority.BULK,
            )
        Order.objects.filter(pk=order.pk).update(cursor=images[-1], opened_in_pass=F("opened_in_pass") + len(fresh))
    return True


def next_images(order: Order) -> list[UUID]:
    if order.by_list:
        listed = order.listed.filter(image_id__gt=order.cursor).order_by("image_id")
        return list(listed.values_list("image_id", flat=True)[:CHUNK])
    return service.select(order.scope, after=order.cursor, most=CHUNK)


def _not_yet_opened(order: Order, images: list[UUID]) -> list[UUID]:
    opened = Takedown.objects.filter(removal__origin=order.code, image_id__in=images)
    known = set(opened.values_list("image_id", flat=True))
    return [image_id for image_id in images if image_id not in known]


def settle(code: str) -> None:
    """When all is removed: look once more, for what was harvested meanwhile; removed when nothing came."""
    with transaction.atomic():
        order = _locked(code)
        if order.state != State.REMOVING or not _removals_are(order, RemovalState.REMOVED, RemovalState.PURGED):
            return
        if order.opened_in_pass:
            moves.move(order, State.OPENING)
            Order.objects.filter(pk=order.pk).update(cursor=NOTHING_YET, opened_in_pass=0)
            queue.enqueue("order.open", order.code)
        else:
            moves.move(order, State.REMOVED)
            queue.enqueue("order.close", order.code)


def close(code: str) -> None:
    """When all is purged."""
    with transaction.atomic():
        order = _locked(code)
        if order.state == State.REMOVED and _removals_are(order, RemovalState.PURGED):
            moves.move(order, State.CLOSED)
            order.listed.all().delete()


def _removals_are(order: Order, *states: RemovalState) -> bool:
    return not Removal.objects.filter(origin=order.code).exclude(state__in=states).exists()


def _locked(code: str) -> Order:
    return Order.objects.select_for_update().get(pk=UUID(code))
