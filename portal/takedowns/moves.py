"""The one writer of the states of removals, takedowns and steps."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from portal.audit import append
from portal.audit.tags import Tag
from portal.core import clock, moving
from portal.core.faults import Stale
from portal.takedowns.models import Removal, Step, Takedown
from portal.takedowns.states import (
    REMOVAL_MOVES,
    STEP_MOVES,
    TAKEDOWN_MOVES,
    RemovalState,
    StepState,
    TakedownState,
)


def move_removal(removal: Removal, to: RemovalState, **facts: bool) -> None:
    """Move a removal. `facts` are fields of it that the trail records too. Errors: IllegalMove, Stale."""
    stamp = {f"{to}_at": clock.now()} if to != RemovalState.REMOVING else {}
    with transaction.atomic():
        moving.move(removal, to, REMOVAL_MOVES, **stamp, **facts)
        append.append(Tag.REMOVAL_MOVED, about=removal.id, origin=removal.origin, to=to.value, **facts)


def move_takedown(takedown: Takedown, to: TakedownState, *, by: int | None = None, **values: Any) -> None:
    """Move one takedown and set `values`; `by` is the account of staff. Errors: IllegalMove, Stale."""
    _require(move_takedowns([takedown], to, by=by, **values))


def move_takedowns(
    takedowns: Sequence[Takedown], to: TakedownState, *, by: int | None = None, **values: Any
) -> list[Takedown]:
    """Move a batch, each with its entry in the trail. Returns those that moved, without what others moved meanwhile.

    Errors: IllegalMove, and then none is moved.
    """
    was = {takedown.pk: takedown.state for takedown in takedowns}
    with transaction.atomic():
        moved = moving.move_many(takedowns, to, TAKEDOWN_MOVES, **values)
        append.append_many(
            Tag.TAKEDOWN_MOVED,
            [(row.removal_id, {"image": row.image_id, "was": was[row.pk], "to": to.value}) for row in moved],
            actor=by,
        )
    return moved


def move_step(step: Step, to: StepState, *, error: str = "") -> None:
    """Move one step; `error` says why the store failed. Errors: IllegalMove, Stale."""
    _require(move_steps([step], to, error=error))


def move_steps(steps: Sequence[Step], to: StepState, *, error: str = "", **values: Any) -> list[Step]:
    """Move a batch of steps, which were read together with their takedowns; see `move_takedowns`.

    Failures and verified read backs enter the trail; the moves between do not.
    """
    verified = {"verified_at": clock.now()} if to == StepState.VERIFIED else {}
    with transaction.atomic():
        moved = moving.move_many(steps, to, STEP_MOVES, last_error=error, **verified, **values)
        if to in (StepState.VERIFIED, StepState.FAILED, StepState.STUCK):
            append.append_many(
                Tag.STEP_VERIFIED if to == StepState.VERIFIED else Tag.STEP_FAILED,
                [
                    (row.takedown.removal_id, {"takedown": row.takedown_id, "store": row.store, "error": error})
                    for row in moved
                ],
            )
    return moved


def _require(moved: Sequence[object]) -> None:
    if not moved:
        raise Stale
