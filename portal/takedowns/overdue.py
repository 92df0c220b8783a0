"""Promises that are overdue: images that should be hidden, removed or purged by now, and are not."""

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
# An image under a legal hold breaks no promise, and only its holders may know of it, so it is in none of these.
PROMISES = {
    "hidden": (deadlines.HIDDEN_WITHIN, _UNHIDDEN),
    "removed": (deadlines.REMOVED_WITHIN, _UNREMOVED),
    "purged": (deadlines.PURGED_WITHIN, _UNPURGED),
}


@dataclass(frozen=True)
class OverduePromise:
    promise: str  # of PROMISES
    removals: int
    images: int
    since: datetime  # when the oldest of them was decided


def overdue_promises() -> list[OverduePromise]:
    return [found for promise, (within, waits) in PROMISES.items() if (found := _overdue(promise, within, waits))]


def _overdue(promise: str, within: timedelta, waits: Q) -> OverduePromise | None:
    decided_before = clock.now() - within
    # If a hold kept it longer, the end of its cooling time says when the hold ended.
    released = Q(cools_until__gt=decided_before + settings.COOLING)
    unfinished = Takedown.objects.exclude(removal__state=RemovalState.PURGED)
    late = unfinished.filter(waits, removal__opened_at__lt=decided_before).exclude(released)
    counts = late.aggregate(
        removals=Count("removal", distinct=True), images=Count("pk"), since=Min("removal__opened_at")
    )
    return OverduePromise(promise, **counts) if counts["images"] else None
