"""What staff may do with an order. Beginning one needs two senior people, since nobody looks at its images one by one.

Each of them has looked at how they spread and at a sample that the system drew (decision 18).
"""

from collections.abc import Sequence
from random import SystemRandom
from uuid import UUID

from django.db import transaction

from matching import service
from matching.types import Scope
from portal.accounts.models import User
from portal.audit import append
from portal.audit.tags import Tag
from portal.core import clock
from portal.core.faults import NotAllowed, Stale
from portal.jobs import queue
from portal.orders import looked_at, moves
from portal.orders.models import ListedImage, Order, SampledImage
from portal.orders.states import RUNNING, State
from portal.policies import looking
from portal.takedowns import removals

BATCH = 5000  # rows a statement


@transaction.atomic
def propose_scope(scope: Scope, *, by: User, authority: str, reference: str) -> Order:
    """Errors: NotAllowed for a scope without a bound, which would be the whole index."""
    if scope == Scope():
        raise NotAllowed("the whole index")
    order = _propose(
        by,
        authority=authority,
        reference=reference,
        images=service.count(scope),
        site=scope.site,
        country=scope.country,
        harvested_from=scope.harvested_from,
        harvested_until=scope.harvested_until,
    )
    _sample(order, service.draw(scope, looking.SAMPLE))
    return order


@transaction.atomic
def propose_list(image_ids: Sequence[UUID], *, by: User, authority: str, reference: str) -> Order:
    ids = sorted(set(image_ids))
    order = _propose(by, authority=authority, reference=reference, images=len(ids), by_list=True)
    ListedImage.objects.bulk_create([ListedImage(order=order, image_id=image_id) for image_id in ids], batch_size=BATCH)
    mixed = SystemRandom().sample(ids, len(ids))
    _sample(order, _still_there(mixed)[: looking.SAMPLE])
    return order


def _still_there(ids: Sequence[UUID]) -> list[UUID]:
    """Enough of them for a sample, in their order."""
    found: list[UUID] = []
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        there = service.identifiers_of(some)
        found += [image_id for image_id in some if image_id in there]
        if len(found) >= looking.SAMPLE:
            break
    return found


def _sample(order: Order, image_ids: Sequence[UUID]) -> None:
    SampledImage.objects.bulk_create(SampledImage(order=order, image_id=image_id) for image_id in image_ids)


def _propose(by: User, **fields: object) -> Order:
    if not by.is_supervisor:
        raise NotAllowed("a senior person records it")
    order = Order.objects.create(made_by=by, made_at=clock.now(), **fields)
    append.append(Tag.ORDER_PROPOSED, about=order.code, actor=by.pk, images=order.images)
    return order


@transaction.atomic
def confirm(order: Order, *, by: User) -> None:
    """Errors: NotAllowed for the proposer and whoever is not senior, Unseen as long as one of the two has not looked,
    Stale."""
    if not by.is_supervisor:
        raise NotAllowed("a senior person confirms")
    order = _decided(order, State.OPENING, by=by)
    for person in (by, order.made_by):
        looked_at.require(order, by=person)
    order.sampled.all().delete()
    append.append(Tag.ORDER_CONFIRMED, about=order.code, actor=by.pk)
    queue.enqueue("order.open", order.code)


@transaction.atomic
def decline(order: Order, *, by: User) -> None:
    """Errors: NotAllowed for the proposer, Stale."""
    order = _decided(order, State.DECLINED, by=by)
    _forget_images(order)
    append.append(Tag.ORDER_DECLINED, about=order.code, actor=by.pk)


@transaction.atomic
def take_back(order: Order, *, by: User) -> None:
    """Errors: NotAllowed for anyone but the proposer, Stale."""
    order = _decided(order, State.TAKEN_BACK, by=by)
    _forget_images(order)
    append.append(Tag.ORDER_TAKEN_BACK, about=order.code, actor=by.pk)


def _forget_images(order: Order) -> None:
    order.listed.all().delete()
    order.sampled.all().delete()


def _decided(order: Order, to: State, *, by: User) -> Order:
    order = _locked(order, State.PROPOSED)
    own = order.made_by_id == by.pk
    if own != (to == State.TAKEN_BACK):
        raise NotAllowed("the proposer takes back, another person confirms or declines")
    moves.move(order, to, by=by.pk)
    Order.objects.filter(pk=order.pk).update(decided_by=by)
    return order


@transaction.atomic
def pause(order: Order, *, by: User) -> None:
    """Open, hide and remove nothing more until it is resumed. What is hidden stays hidden. Errors: Stale."""
    _set_paused(order, True)
    removals.pause(order.code)
    append.append(Tag.ORDER_PAUSED, about=order.code, actor=by.pk)


@transaction.atomic
def resume(order: Order, *, by: User) -> None:
    """Errors: Stale."""
    order = _set_paused(order, False)
    removals.resume(order.code)
    if order.state == State.OPENING:
        queue.enqueue("order.open", order.code)
    append.append(Tag.ORDER_RESUMED, about=order.code, actor=by.pk)


def _set_paused(order: Order, paused: bool) -> Order:
    order = _locked(order, *RUNNING)
    if order.paused == paused:
        raise Stale("paused or resumed meanwhile")
    order.paused = paused
    order.save(update_fields=["paused"])
    return order


def _locked(order: Order, *states: State) -> Order:
    """The order, locked for this transaction: no further removal of it is being opened. Errors: Stale."""
    locked = Order.objects.select_for_update().get(pk=order.pk)
    if locked.state not in states:
        raise Stale(locked.state)
    return locked
