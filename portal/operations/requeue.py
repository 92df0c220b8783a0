"""Work that should be under way and has no job: a row deleted by hand, or something that came without a word."""

from django.conf import settings
from django.db.models import Min

from matching import service
from portal.cases import receipts
from portal.cases.models import Case
from portal.cases.states import ENDED, State
from portal.core import clock, keys
from portal.jobs.queue import is_under_way, lies_dead
from portal.jobs.queue import pick_up as enqueue
from portal.orders.models import Order
from portal.orders.states import State as OrderState
from portal.policies import operations
from portal.policies.retention import RECEIPT
from portal.takedowns import removals
from portal.takedowns.models import Removal
from portal.takedowns.states import RemovalState, TakedownState


def pick_up() -> None:
    """Enqueue all of it. Work that has its job already, or needs none, is left as it is by its own checks."""
    _cases()
    _orders()
    _removals()
    _block_keys()


def _cases() -> None:
    now = clock.now()
    due = {
        "case.search": Case.objects.filter(state__in=[State.RECEIVED, State.SEARCHING]),
        "case.settle": Case.objects.filter(state=State.ERASING),
        "case.announce": Case.objects.filter(slot_at__lt=now, announced_at=None, withdrawn_at=None, closed_at=None),
        "case.close": Case.objects.filter(state__in=ENDED, slot_at__lt=now),
    }
    for kind, cases in due.items():
        for code in cases.values_list("pk", flat=True):
            enqueue(kind, code)
    for case in Case.objects.filter(state=State.CLOSED, closed_at__gt=now - operations.KEYS_LOOKED_FOR):
        if keys.exists(case.key_id):
            enqueue("case.destroy_key", case.code)
    recorded_since = now - operations.KEYS_LOOKED_FOR - RECEIPT.kept_for
    for case in Case.objects.filter(state=State.CLOSED, recorded_at__gt=recorded_since):
        if receipts.is_over(case) and keys.exists(case.proof_key_id):
            enqueue("case.forget_proof", case.code)


def _removals() -> None:
    cooling = Removal.objects.filter(
        takedowns__state=TakedownState.HIDDEN, takedowns__cools_until__gt=clock.now()
    ).values("pk")
    cooled = Removal.objects.filter(state__in=[RemovalState.HIDDEN, RemovalState.REMOVING]).exclude(pk__in=cooling)
    queued = Removal.objects.filter(state=RemovalState.QUEUED)
    for removal in (queued | cooled).filter(paused=False):
        if not lies_dead("removal.hide", removal.pk) and not lies_dead("removal.remove", removal.pk):
            removals.pick_up(removal)
    _purge()


def _purge() -> None:
    """At its own time: enqueued anew, a purge that waits for it would be pulled forward."""
    oldest = Removal.objects.filter(state=RemovalState.REMOVED).aggregate(oldest=Min("removed_at"))["oldest"]
    if oldest is not None and not is_under_way("removals.purge", "all"):
        enqueue("removals.purge", "all", run_at=oldest + settings.PURGE_AFTER)


def _orders() -> None:
    due = {
        "order.open": Order.objects.filter(state=OrderState.OPENING, paused=False),
        "order.settle": Order.objects.filter(state=OrderState.REMOVING),
        "order.close": Order.objects.filter(state=OrderState.REMOVED),
    }
    for kind, orders in due.items():
        for code in orders.values_list("pk", flat=True):
            enqueue(kind, code)


def _block_keys() -> None:
    for block in service.blocks_revoked_since(clock.now() - operations.KEYS_LOOKED_FOR):
        if keys.exists(block):
            enqueue("block.destroy_key", block)
