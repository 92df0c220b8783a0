"""The one writer of the states of removals, takedowns and steps."""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar

from django.db import transaction

from portal.audit import append
from portal.audit.tags import Tag
from portal.core import clock
from portal.takedowns.models import Removal, Step, Takedown
from portal.takedowns.states import (
    REMOVAL_MOVES,
    STEP_MOVES,
    TAKEDOWN_MOVES,
    RemovalState,
    StepState,
    TakedownState,
)

Row = TypeVar("Row", Removal, Takedown, Step)


class IllegalMove(Exception):
    """The table of moves has no such move."""


class Stale(Exception):
    """Another writer was quicker."""


def move_removal(removal: Removal, to: RemovalState, **facts: bool) -> None:
    """`facts` are fields of the removal that the trail records too."""
    stamp = {f"{to}_at": clock.now()} if to != RemovalState.REMOVING else {}
    with transaction.atomic():
        _require(_move([removal], to, REMOVAL_MOVES, **stamp, **facts))
        append.append(Tag.REMOVAL_MOVED, about=removal.id, origin=removal.origin, to=to.value, **facts)


def move_takedown(takedown: Takedown, to: TakedownState, *, by: int | None = None, **values: Any) -> None:
    """Errors: IllegalMove, Stale."""
    _require(move_takedowns([takedown], to, by=by, **values))


def move_takedowns(
    takedowns: Sequence[Takedown], to: TakedownState, *, by: int | None = None, **values: Any
) -> list[Takedown]:
    """Move a batch, each with its entry in the trail; what another writer moved meanwhile is left out of the answer.

    Errors: IllegalMove, and none is moved.
    """
    was = {takedown.pk: takedown.state for takedown in takedowns}
    with transaction.atomic():
        moved = _move(takedowns, to, TAKEDOWN_MOVES, **values)
        append.append_many(
            Tag.TAKEDOWN_MOVED,
            [(row.removal_id, {"image": row.image_id, "was": was[row.pk], "to": to.value}) for row in moved],
            actor=by,
        )
    return moved


def move_step(step: Step, to: StepState, *, error: str = "") -> None:
    """Errors: IllegalMove, Stale."""
    _require(move_steps([step], to, error=error))


def move_steps(steps: Sequence[Step], to: StepState, *, error: str = "", **values: Any) -> list[Step]:
    """The same as `move_takedowns`, for steps read together with their takedowns.

    Failures and verified read backs enter the trail; the moves between are kept in the row alone.
    """
    verified = {"verified_at": clock.now()} if to == StepState.VERIFIED else {}
    with transaction.atomic():
        moved = _move(steps, to, STEP_MOVES, last_error=error, **verified, **values)
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


def _move(rows: Sequence[Row], to: str, table: dict[str, frozenset[str]], **values: Any) -> list[Row]:
    """`UPDATE … WHERE state = <the state read>`, for each of the states read; in the caller's transaction."""
    if illegal := {row.state for row in rows if to not in table[row.state]}:
        raise IllegalMove(f"{type(rows[0]).__name__}: {', '.join(sorted(illegal))} → {to}")
    moved = []
    for was, group in groupby(sorted(rows, key=attrgetter("state")), key=attrgetter("state")):
        moved += _move_alike(list(group), was, to, **values)
    return moved


def _move_alike(rows: list[Row], was: str, to: str, **values: Any) -> list[Row]:
    model = type(rows[0])
    # Locked in one order, so that two workers with overlapping batches wait for each other instead of deadlocking.
    unmoved = model._default_manager.filter(pk__in=[row.pk for row in rows], state=was).order_by("pk")
    mine = set(unmoved.select_for_update(no_key=True).values_list("pk", flat=True))
    model._default_manager.filter(pk__in=mine).update(state=to, **values)
    moved = [row for row in rows if row.pk in mine]
    for row in moved:
        for name, value in {"state": to, **values}.items():
            setattr(row, name, value)
    return moved
