"""What workers do with a removal: hide, remove, purge. Each may be interrupted anywhere and run again."""

from uuid import UUID

from django.conf import settings
from django.db import transaction

from matching import service
from portal.core import clock
from portal.jobs import queue
from portal.jobs.run import NotYet
from portal.takedowns import connectors, moves
from portal.takedowns.connectors.base import Erasure, StoreError
from portal.takedowns.models import Removal, Step, Takedown
from portal.takedowns.states import RemovalState, StepState, TakedownState

# A step that failed this often, or whose store says done and still has the image this often, waits for a person.
ATTEMPTS = 8
_GONE = (TakedownState.REMOVED, TakedownState.RESTORED, TakedownState.PURGED)


def hide(removal_id: str) -> None:
    """Take the images out of the operator's search, and read back that it no longer returns them."""
    removal = Removal.objects.get(pk=UUID(removal_id))
    queued = {row.image_id: row for row in removal.takedowns.filter(state=TakedownState.QUEUED)}
    service.hide(list(queued))
    still_found = service.searchable(list(queued))
    cools_until = clock.now() + settings.COOLING
    with transaction.atomic():
        for image_id, takedown in queued.items():
            if image_id not in still_found:
                moves.move_takedown(takedown, TakedownState.HIDDEN, cools_until=cools_until)
        if not still_found and removal.state == RemovalState.QUEUED:
            moves.move_removal(removal, RemovalState.HIDDEN)
            queue.enqueue("removal.remove", removal.id, run_at=cools_until)
    if still_found:
        raise NotYet(f"{len(still_found)} still searchable")


def remove(removal_id: str) -> None:
    """Remove each image from every store and read back. What a store fails at does not hold up the rest."""
    removal = Removal.objects.get(pk=UUID(removal_id))
    if removal.takedowns.filter(state=TakedownState.HIDDEN, cools_until__gt=clock.now()).exists():
        raise NotYet("still cooling")
    if removal.state == RemovalState.HIDDEN:
        moves.move_removal(removal, RemovalState.REMOVING)
    waiting = removal.takedowns.filter(state__in=[TakedownState.HIDDEN, TakedownState.REMOVING])
    for takedown in waiting.prefetch_related("steps"):
        _remove_one(takedown)
    with transaction.atomic():
        removal = Removal.objects.select_for_update().get(pk=removal.pk)
        left = removal.takedowns.exclude(state__in=_GONE).exclude(state=TakedownState.STUCK).count()
        stuck = removal.takedowns.filter(state=TakedownState.STUCK).exists()
        if not left and not stuck and removal.state == RemovalState.REMOVING:
            moves.move_removal(removal, RemovalState.REMOVED)
            queue.enqueue(removal.then, removal.origin)
            queue.enqueue("removals.purge", "all", run_at=clock.now() + settings.PURGE_AFTER)
    if left:
        raise NotYet(f"{left} takedowns left")


def _remove_one(takedown: Takedown) -> None:
    if takedown.state == TakedownState.HIDDEN:
        moves.move_takedown(takedown, TakedownState.REMOVING)
    # In the order of the connectors: the index goes last.
    steps = {step.store: step for step in takedown.steps.all()}
    for name in connectors.ALL:
        if steps[name].state != StepState.VERIFIED and not _verified(steps[name], takedown):
            break
    states = set(takedown.steps.values_list("state", flat=True))
    if StepState.STUCK in states:
        moves.move_takedown(takedown, TakedownState.STUCK)
    elif states == {StepState.VERIFIED.value}:
        moves.move_takedown(takedown, TakedownState.REMOVED)


def _verified(step: Step, takedown: Takedown) -> bool:
    """Remove from one store and look whether it is gone. False when it is to be tried again or a person must look."""
    connector, erasure = connectors.ALL[step.store], Erasure(takedown.image_id)
    step.takedown = takedown
    step.attempts += 1
    try:
        connector.remove(erasure)
        if step.state != StepState.DONE:
            moves.move_step(step, StepState.DONE)
        if connector.present(erasure):
            raise StoreError("still there after it was removed", permanent=False)
    except StoreError as error:
        give_up = error.permanent or step.attempts >= ATTEMPTS
        moves.move_step(step, StepState.STUCK if give_up else StepState.FAILED, error=str(error))
        return False
    moves.move_step(step, StepState.VERIFIED)
    return True


def purge(_all: str) -> None:
    """Rewrite what still holds dead rows; a removal is purged once no row of its images is kept back by anyone."""
    removed = list(Removal.objects.filter(state=RemovalState.REMOVED))
    if not removed:
        return
    service.purge()
    kept_back = 0
    for removal in removed:
        images = list(removal.takedowns.filter(state=TakedownState.REMOVED).values_list("image_id", flat=True))
        if service.unpurged(images):
            kept_back += 1
        else:
            _purged(removal)
    if kept_back:
        raise NotYet(f"rows of {kept_back} removals are kept back")


def _purged(removal: Removal) -> None:
    with transaction.atomic():
        for takedown in removal.takedowns.filter(state=TakedownState.REMOVED):
            moves.move_takedown(takedown, TakedownState.PURGED)
        moves.move_removal(removal, RemovalState.PURGED)
        queue.enqueue(removal.at_last, removal.origin)
