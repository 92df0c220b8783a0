"""What workers do with a removal: hide, remove, purge. Each may be interrupted anywhere and run again.

Images go through in batches, one statement for all of a batch, because a statement for each image would be the limit.
"""

from collections.abc import Iterator
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, Q, QuerySet

from matching import service
from matching.types import Store
from portal.core import clock
from portal.jobs import queue
from portal.jobs.models import Priority
from portal.jobs.run import NotYet
from portal.policies import retention
from portal.takedowns import connectors, holds, moves
from portal.takedowns.connectors import batches
from portal.takedowns.connectors.base import Connector, Erasure, StoreError
from portal.takedowns.models import Removal, Step, Takedown
from portal.takedowns.removals import WORKED_ON
from portal.takedowns.states import RemovalState, StepState, TakedownState

BATCH = 500  # images
# A step that failed this often, or whose store says done and still has the image this often, waits for a person; so
# does an image that is hidden and that search still returns.
ATTEMPTS = 8
# A stuck step whose takedown is not: the worker died between the two.
_AT_REST = (StepState.VERIFIED, StepState.STUCK)
_WAITING = (TakedownState.STUCK, TakedownState.HELD)  # for a person, who starts the job again
_GONE = (TakedownState.REMOVED, TakedownState.RESTORED, TakedownState.PURGED)


def hide(removal_id: str) -> None:
    """Take the images out of the operator's search, and read back that it no longer returns them."""
    removal = Removal.objects.get(pk=UUID(removal_id))
    if removal.paused:
        return
    for batch in _batches(removal, TakedownState.QUEUED):
        _hide_batch(batch)
    with transaction.atomic():
        removal = Removal.objects.select_for_update().get(pk=removal.pk)
        left = removal.takedowns.filter(state=TakedownState.QUEUED).count()
        if not left and removal.state == RemovalState.QUEUED:
            _hidden(removal)
    if left:
        raise NotYet(f"{left} still searchable")


def _hidden(removal: Removal) -> None:
    """As far as it goes: what search still returns keeps the removal from being called hidden, not the rest waiting."""
    if not removal.takedowns.filter(state__in=_WAITING, hide_attempts__gt=0).exists():
        moves.move_removal(removal, RemovalState.HIDDEN)
    cooled_at = removal.takedowns.aggregate(last=Max("cools_until"))["last"]
    queue.enqueue("removal.remove", removal.id, run_at=cooled_at, priority=Priority(removal.priority))


def _hide_batch(takedowns: list[Takedown]) -> None:
    images = [takedown.image_id for takedown in takedowns]
    service.hide(images)
    try:
        still_found = service.searchable(images)
    except OSError as error:  # the index is away: hidden, and not read back
        raise NotYet(type(error).__name__) from error
    hidden = [takedown for takedown in takedowns if takedown.image_id not in still_found]
    moves.move_takedowns(hidden, TakedownState.HIDDEN, hide_attempts=0, cools_until=clock.now() + settings.COOLING)
    found = [takedown for takedown in takedowns if takedown.image_id in still_found]
    Takedown.objects.filter(pk__in=[takedown.pk for takedown in found]).update(hide_attempts=F("hide_attempts") + 1)
    moves.move_takedowns([each for each in found if each.hide_attempts + 1 >= ATTEMPTS], TakedownState.STUCK)


def remove(removal_id: str) -> None:
    """Remove each image from every store and read back. What a store fails at does not hold up the rest."""
    removal = Removal.objects.get(pk=UUID(removal_id))
    if removal.paused:
        return
    if removal.takedowns.filter(state=TakedownState.HIDDEN, cools_until__gt=clock.now()).exists():
        raise NotYet("still cooling")
    if removal.state == RemovalState.HIDDEN:
        moves.move_removal(removal, RemovalState.REMOVING)
    for batch in _batches(removal, TakedownState.HIDDEN, TakedownState.REMOVING):
        _remove_batch(batch)
    _conclude(removal)


def _conclude(removal: Removal) -> None:
    with transaction.atomic():
        removal = Removal.objects.select_for_update().get(pk=removal.pk)
        left = removal.takedowns.exclude(state__in=(*_GONE, *_WAITING)).count()
        stuck = removal.takedowns.filter(state__in=_WAITING).exists()
        if not left and not stuck and removal.state == RemovalState.REMOVING:
            moves.move_removal(removal, RemovalState.REMOVED)
            queue.enqueue(removal.job_when_removed, removal.origin)
        if not left:
            queue.enqueue("removals.purge", "all", run_at=clock.now() + settings.PURGE_AFTER)
    if left:
        raise NotYet(f"{left} takedowns left")


def _batches(removal: Removal, *states: TakedownState) -> Iterator[list[Takedown]]:
    """The takedowns in these states, each once; in the order of the images' ids, which is that of the image store."""
    waiting = removal.takedowns.filter(state__in=states).order_by("image_id")
    after = UUID(int=0)
    while batch := list(waiting.filter(image_id__gt=after)[:BATCH]):
        yield batch
        after = batch[-1].image_id


def _remove_batch(takedowns: list[Takedown]) -> None:
    hidden = [takedown for takedown in takedowns if takedown.state == TakedownState.HIDDEN]
    moves.move_takedowns(hidden, TakedownState.REMOVING)
    # One that was restored, or otherwise moved, meanwhile is left out here.
    left = {takedown.pk for takedown in takedowns if takedown.state == TakedownState.REMOVING}
    steps = list(Step.objects.filter(takedown__in=left).select_related("takedown"))
    for store, connector in connectors.ALL.items():  # the index goes last
        with holds.no_hold_meanwhile():
            left &= _not_held(left)
            here = [step for step in steps if step.store == store and step.takedown_id in left]
            if store == Store.INDEX.value:
                unfinished = [step for step in here if step.state not in _AT_REST]
                connectors.before_index([Erasure(step.takedown.image_id) for step in unfinished])
            left -= {step.takedown_id for step in _failing(connector, here)}
    for step in steps:
        if (
            step.store not in connectors.ALL and step.state not in _AT_REST
        ):  # it was configured when the removal was opened
            _fail(step, StoreError("no such store", permanent=True))
    _leave_removing(takedowns, steps)


def _not_held(left: set[int]) -> set[int]:
    """Those that no legal hold stopped since the store before."""
    removing = Takedown.objects.filter(pk__in=left, state=TakedownState.REMOVING)
    return set(removing.values_list("pk", flat=True))


def _leave_removing(takedowns: list[Takedown], steps: list[Step]) -> None:
    """A takedown is removed once all its steps are verified, and waits for a person once one is stuck."""
    states: dict[int, set[str]] = {}
    for step in steps:
        states.setdefault(step.takedown_id, set()).add(step.state)
    done = [takedown for takedown in takedowns if states.get(takedown.pk) == {StepState.VERIFIED.value}]
    stuck = [takedown for takedown in takedowns if StepState.STUCK in states.get(takedown.pk, ())]
    moves.move_takedowns(done, TakedownState.REMOVED)
    moves.move_takedowns(stuck, TakedownState.STUCK)


def _failing(connector: Connector, steps: list[Step]) -> list[Step]:
    """Remove a batch from one store and look whether it is gone; those that are not verified now."""
    trying = {Erasure(step.takedown.image_id): step for step in steps if step.state not in _AT_REST}
    removed = batches.remove(connector, list(trying))
    done = [trying[erasure] for erasure in removed.done]
    moves.move_steps([step for step in done if step.state != StepState.DONE], StepState.DONE)
    read_back = batches.read_back(connector, list(removed.done))
    moves.move_steps([trying[erasure] for erasure in read_back.done], StepState.VERIFIED)
    for erasure, error in {**removed.failed, **read_back.failed}.items():
        _fail(trying[erasure], error)
    return [step for step in steps if step.state != StepState.VERIFIED]


def _fail(step: Step, error: StoreError) -> None:
    tries = step.attempts + 1
    to = StepState.STUCK if error.permanent or tries >= ATTEMPTS else StepState.FAILED
    moves.move_steps([step], to, error=str(error), attempts=tries)


def purge(_all: str) -> None:
    """Rewrite what still holds dead rows; a removal is purged once no row of its images is kept back by anyone, and
    none can lie in a file that the server lets us see."""
    removals = list(_with_removed())
    if not removals:
        return
    report = service.purge(also=retention.SEALED_TABLES)
    if report.left_behind:
        raise NotYet("files of the log or of no table may still hold deleted rows")
    kept_back = 0
    for removal in removals:
        takedowns = list(removal.takedowns.filter(state=TakedownState.REMOVED))
        if service.unpurged([takedown.image_id for takedown in takedowns]):
            kept_back += 1
        else:
            _purged(removal, takedowns, log_checked=report.log_checked)
    if kept_back:
        raise NotYet(f"rows of {kept_back} removals are kept back")


def _with_removed() -> QuerySet[Removal]:
    """Removals that are removed, and those of which some images are, while others wait for a person: a hold on one
    image of many, or a store that is stuck at it, must not keep the dead rows of the rest."""
    waiting = Takedown.objects.filter(state__in=_WAITING, removal__state__in=WORKED_ON).values("removal")
    partly = Q(pk__in=waiting, takedowns__state=TakedownState.REMOVED)
    return Removal.objects.filter(Q(state=RemovalState.REMOVED) | partly).distinct()


def _purged(removal: Removal, takedowns: list[Takedown], *, log_checked: bool) -> None:
    with transaction.atomic():
        moves.move_takedowns(takedowns, TakedownState.PURGED)
        if removal.state == RemovalState.REMOVED:
            moves.move_removal(removal, RemovalState.PURGED, log_checked=log_checked)
            queue.enqueue(removal.job_when_purged, removal.origin)
