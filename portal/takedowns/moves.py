"""The one writer of the states of removals, takedowns and steps."""

from typing import Any

from django.db import models, transaction

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


class IllegalMove(Exception):
    """The table of moves has no such move."""


class Stale(Exception):
    """Another writer was quicker."""


def move_removal(removal: Removal, to: RemovalState) -> None:
    stamp = {f"{to}_at": clock.now()} if to != RemovalState.REMOVING else {}
    with transaction.atomic():
        _move(removal, to, REMOVAL_MOVES, **stamp)
        append.append(Tag.REMOVAL_MOVED, about=removal.id, origin=removal.origin, to=to.value)


def move_takedown(takedown: Takedown, to: TakedownState, *, by: int | None = None, **values: Any) -> None:
    with transaction.atomic():
        was = takedown.state
        _move(takedown, to, TAKEDOWN_MOVES, **values)
        about = takedown.removal_id
        append.append(Tag.TAKEDOWN_MOVED, about=about, actor=by, image=takedown.image_id, was=was, to=to.value)


def move_step(step: Step, to: StepState, *, error: str = "") -> None:
    """Failures and verified read backs enter the trail; the moves between are kept in the row alone."""
    with transaction.atomic():
        verified = {"verified_at": clock.now()} if to == StepState.VERIFIED else {}
        _move(step, to, STEP_MOVES, last_error=error, attempts=step.attempts, **verified)
        if to in (StepState.VERIFIED, StepState.FAILED, StepState.STUCK):
            tag = Tag.STEP_VERIFIED if to == StepState.VERIFIED else Tag.STEP_FAILED
            about = step.takedown.removal_id
            append.append(tag, about=about, takedown=step.takedown_id, store=step.store, error=error)


def _move(row: models.Model, to: str, table: dict[str, frozenset[str]], **values: Any) -> None:
    was = row.state  # type: ignore[attr-defined]  # each of the three models has it
    if to not in table[was]:
        raise IllegalMove(f"{type(row).__name__}: {was} → {to}")
    rows = type(row)._default_manager.filter(pk=row.pk, state=was)
    if not rows.update(state=to, **values):
        raise Stale(f"{type(row).__name__}: {was} → {to}")
    for name, value in {"state": to, **values}.items():
        setattr(row, name, value)
