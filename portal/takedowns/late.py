"""What is past its promise: not hidden, removed or purged by when that was to be."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min, Q

from portal.core import clock
from portal.policies import deadlines
from portal.takedowns.models import Takedown
from portal.takedowns.states import RemovalState, TakedownState

_UNHIDDEN = Q(state=TakedownState.QUEUED) | Q(state=TakedownState.STUCK, hide_attempts__gt=0)
_UNREMOVED = Q(state__in=[TakedownState.QUEUED, TakedownState.HIDDEN, TakedownState.REMOVING, TakedownState.STUCK])
_UNPURGED = Q(state=TakedownState.REMOVED)
# What is held breaks no promise, and nobody else is to know of it: it is in none of these.
PROMISES = {
    "hidden": (deadlines.HIDDEN_WITHIN, _UNHIDDEN),
    "removed": (deadlines.REMOVED_WITHIN, _UNREMOVED),
    "purged": (deadlines.PURGED_WITHIN, _UNPURGED),
}


@dataclass(frozen=True)
class Late:
    promise: str  # of PROMISES
    removals: int
    images: int
    since: datetime  # the oldest was decided


def late() -> list[Late]:
    return [found for promise, (within, waits) in PROMISES.items() if (found := _late(promise, within, waits))]


def _late(promise: str, within: timedelta, waits: Q) -> Late | None:
    decided_before = clock.now() - within
    # Where a hold kept it longer, the end of its cooling time says when it was let go.
    released = Q(cools_until__gt=decided_before + settings.COOLING)
    unfinished = Takedown.objects.exclude(removal__state=RemovalState.PURGED)
    overdue = unfinished.filter(waits, removal__opened_at__lt=decided_before).exclude(released)
    counts = overdue.aggregate(
        removals=Count("removal", distinct=True), images=Count("pk"), since=Min("removal__opened_at")
    )
    return Late(promise, **counts) if counts["images"] else None
