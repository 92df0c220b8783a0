"""Opening a removal, and its one way back."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from matching import service
from portal.audit import append
from portal.audit.tags import Tag
from portal.core import clock
from portal.core.faults import Stale
from portal.jobs import queue
from portal.jobs.models import Priority
from portal.takedowns import connectors, moves
from portal.takedowns.models import HeldImage, Removal, Step, Takedown
from portal.takedowns.states import HOLDING, RemovalState, StepState, TakedownState

BATCH = 5000  # rows a statement
# What hiding is stuck at, where others are stuck at a store.
SEARCH = "search"
WORKED_ON = (RemovalState.QUEUED, RemovalState.HIDDEN, RemovalState.REMOVING)


@transaction.atomic
def open_removal(
    origin: UUID,
    image_ids: Iterable[UUID],
    *,
    job_when_removed: str,
    job_when_purged: str,
    priority: Priority = Priority.NORMAL,
) -> Removal:
    """Decide, in the caller's transaction, that these images go: removal, takedowns, steps and the first job.

    Job kinds are enqueued for `origin`: one when every image is removed, one when every image is purged.
    """
    _hold_restores(shared=True)
    removal = Removal.objects.create(
        origin=origin,
        job_when_removed=job_when_removed,
        job_when_purged=job_when_purged,
        priority=priority,
        opened_at=clock.now(),
    )
    takedowns = Takedown.objects.bulk_create(
        [Takedown(removal=removal, image_id=image_id) for image_id in dict.fromkeys(image_ids)], batch_size=BATCH
    )
    Step.objects.bulk_create(
        [Step(takedown=takedown, store=name) for takedown in takedowns for name in connectors.ALL], batch_size=BATCH
    )
    _keep_held(takedowns)
    append.append(Tag.REMOVAL_OPENED, about=removal.id, origin=origin, images=len(takedowns))
    _enqueue_hide(removal)
    return removal


def _enqueue_hide(removal: Removal) -> None:
    """One step before what else is done for it: a person's images are out of search before anything, even of orders."""
    queue.enqueue("removal.hide", removal.id, priority=Priority(max(Priority.URGENT, removal.priority - 1)))


@transaction.atomic
def pause(origin: UUID) -> None:
    """Leave everything as it is until it is resumed; a batch that is being worked on ends."""
    Removal.objects.filter(origin=origin, state__in=WORKED_ON).update(paused=True)


@transaction.atomic
def resume(origin: UUID) -> None:
    paused = Removal.objects.select_for_update().filter(origin=origin, paused=True)
    for removal in paused:
        pick_up(removal)
    paused.update(paused=False)


def pick_up(removal: Removal) -> None:
    """Enqueue what is to be done for it next."""
    if removal.state == RemovalState.QUEUED:
        _enqueue_hide(removal)
    elif removal.state in WORKED_ON:
        queue.enqueue("removal.remove", removal.id, priority=Priority(removal.priority))


def _keep_held(takedowns: list[Takedown]) -> None:
    """What a legal hold keeps is decided to be deleted all the same, and waits for its release."""
    kept = held([takedown.image_id for takedown in takedowns])
    moves.move_takedowns([takedown for takedown in takedowns if takedown.image_id in kept], TakedownState.HELD)


def held(image_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Those of the images that a legal hold in force keeps."""
    rows = HeldImage.objects.filter(image_id__in=list(image_ids), hold__state__in=HOLDING)
    return frozenset(rows.values_list("image_id", flat=True))


def stop_opening() -> None:
    """Until the transaction ends no removal is opened: none can miss a hold that is being placed or let go."""
    _hold_restores(shared=False)


class TooLate(Exception):
    """The cooling time is over: the image is being removed or is gone."""


@transaction.atomic
def restore(takedown: Takedown, *, by: int) -> None:
    """Bring a hidden image back into search. Errors: TooLate. Another removal of the same image keeps it hidden."""
    _hold_restores(shared=False)
    takedown = Takedown.objects.select_for_update().get(pk=takedown.pk)
    cooling = takedown.state == TakedownState.HIDDEN and takedown.cools_until and takedown.cools_until > clock.now()
    if not cooling:
        raise TooLate
    moves.move_takedown(takedown, TakedownState.RESTORED, by=by)
    append.append(Tag.TAKEDOWN_RESTORED, about=takedown.removal_id, actor=by, image=takedown.image_id)
    _show_again([takedown.image_id])


def let_back(takedowns: Sequence[Takedown], *, by: int | None) -> list[Takedown]:
    """What only a hold had opened, and nobody else decided: as it was before. The caller has stopped opening."""
    moved = moves.move_takedowns(takedowns, TakedownState.RESTORED, by=by)
    _show_again([takedown.image_id for takedown in moved])
    return moved


def _show_again(image_ids: Sequence[UUID]) -> None:
    """Back into search, unless another removal or a hold has the image."""
    others = Takedown.objects.filter(image_id__in=image_ids).exclude(state=TakedownState.RESTORED)
    kept = set(others.values_list("image_id", flat=True)) | held(image_ids)
    if free := [image_id for image_id in image_ids if image_id not in kept]:
        service.unhide(free)


# Any number; every process takes the same.
_RESTORES = 0x72657374


def _hold_restores(*, shared: bool) -> None:
    """Until the transaction ends, no image is shown again while another removal of it is being opened."""
    with connection.cursor() as cursor:
        lock = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        cursor.execute(f"SELECT {lock}(%s)", [_RESTORES])


@transaction.atomic
def retry(step: Step, *, by: int) -> None:
    """Try a stuck step again after a person looked at it. Errors: IllegalMove, Stale."""
    _retry([Step.objects.select_related("takedown__removal").select_for_update().get(pk=step.pk)], by=by)


def unhidden() -> QuerySet[Takedown]:
    """What search kept returning after it was hidden, and waits for a person."""
    return Takedown.objects.filter(state=TakedownState.STUCK, hide_attempts__gt=0).select_related("removal")


@transaction.atomic
def retry_hiding(takedown: Takedown, *, by: int) -> None:
    """Hide it again after a person looked at it. Errors: Stale."""
    if not _hide_again(list(unhidden().filter(pk=takedown.pk)), by=by):
        raise Stale


@transaction.atomic
def _hide_again(takedowns: list[Takedown], *, by: int) -> int:
    moved = moves.move_takedowns(takedowns, TakedownState.QUEUED, by=by, hide_attempts=0)
    append.append_many(
        Tag.STEP_RETRIED,
        [(takedown.removal_id, {"takedown": takedown.pk, "store": SEARCH}) for takedown in moved],
        actor=by,
    )
    for removal in {takedown.removal for takedown in moved}:
        _enqueue_hide(removal)
    return len(moved)


def retry_store(store: str, *, by: int) -> int:
    """The same for all that a store, or SEARCH, is stuck at, a removal at a time; returns how many steps."""
    if store == SEARCH:
        removals = unhidden().values_list("removal", flat=True).distinct()
        return sum(_hide_again(list(unhidden().filter(removal=removal)), by=by) for removal in removals)
    stuck = Step.objects.filter(store=store, state=StepState.STUCK)
    retried = 0
    for removal in stuck.values_list("takedown__removal", flat=True).distinct():
        with transaction.atomic():
            steps = stuck.filter(takedown__removal=removal).select_related("takedown__removal").select_for_update()
            retried += _retry(list(steps), by=by)
    return retried


def _retry(steps: list[Step], *, by: int) -> int:
    moved = moves.move_steps(steps, StepState.DUE, attempts=0)
    takedowns = {step.takedown_id: step.takedown for step in moved if step.takedown.state == TakedownState.STUCK}
    still = Step.objects.filter(takedown__in=takedowns, state=StepState.STUCK).values_list("takedown", flat=True)
    held_up = set(still)
    going = [takedown for pk, takedown in takedowns.items() if pk not in held_up]
    moves.move_takedowns(going, TakedownState.REMOVING, by=by)
    append.append_many(
        Tag.STEP_RETRIED,
        [(step.takedown.removal_id, {"takedown": step.takedown_id, "store": step.store}) for step in moved],
        actor=by,
    )
    for removal in {step.takedown.removal for step in moved}:
        queue.enqueue("removal.remove", removal.id, priority=Priority(removal.priority))
    return len(moved)
