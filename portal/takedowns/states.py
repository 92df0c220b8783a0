"""States and legal moves of a takedown, its steps, and the removal that holds them (docs/architecture.md, States)."""

from django.db import models


class RemovalState(models.TextChoices):
    """A removal is as far as the slowest of its takedowns."""

    QUEUED = "queued"
    HIDDEN = "hidden"
    REMOVING = "removing"
    REMOVED = "removed"
    PURGED = "purged"


class TakedownState(models.TextChoices):
    QUEUED = "queued"
    HIDDEN = "hidden"
    RESTORED = "restored"
    REMOVING = "removing"
    REMOVED = "removed"
    PURGED = "purged"
    # Kept, and shown to nobody but two people, until a legal hold is released.
    HELD = "held"
    # Waits for a person: a store keeps failing, or says done and still has it, or search still returns what was hidden.
    STUCK = "stuck"


class StepState(models.TextChoices):
    DUE = "due"
    DONE = "done"
    VERIFIED = "verified"
    FAILED = "failed"
    STUCK = "stuck"


REMOVAL_MOVES: dict[str, frozenset[str]] = {
    RemovalState.QUEUED: frozenset({RemovalState.HIDDEN}),
    RemovalState.HIDDEN: frozenset({RemovalState.REMOVING, RemovalState.REMOVED}),
    RemovalState.REMOVING: frozenset({RemovalState.REMOVED}),
    RemovalState.REMOVED: frozenset({RemovalState.PURGED}),
    RemovalState.PURGED: frozenset(),
}
TAKEDOWN_MOVES: dict[str, frozenset[str]] = {
    TakedownState.QUEUED: frozenset({TakedownState.HIDDEN, TakedownState.STUCK, TakedownState.HELD}),
    TakedownState.HIDDEN: frozenset({TakedownState.RESTORED, TakedownState.REMOVING, TakedownState.HELD}),
    # A hold hides the image itself, so what it lets go is hidden already, save where hiding had failed before; what
    # only the hold would have deleted is shown again.
    TakedownState.HELD: frozenset({TakedownState.HIDDEN, TakedownState.QUEUED, TakedownState.RESTORED}),
    TakedownState.RESTORED: frozenset(),
    TakedownState.REMOVING: frozenset({TakedownState.REMOVED, TakedownState.STUCK, TakedownState.HELD}),
    TakedownState.STUCK: frozenset({TakedownState.QUEUED, TakedownState.REMOVING, TakedownState.HELD}),
    TakedownState.REMOVED: frozenset({TakedownState.PURGED}),
    TakedownState.PURGED: frozenset(),
}
STEP_MOVES: dict[str, frozenset[str]] = {
    StepState.DUE: frozenset({StepState.DONE, StepState.FAILED, StepState.STUCK}),
    StepState.FAILED: frozenset({StepState.DONE, StepState.FAILED, StepState.STUCK}),
    StepState.DONE: frozenset({StepState.VERIFIED, StepState.FAILED, StepState.STUCK}),
    StepState.STUCK: frozenset({StepState.DUE}),
    StepState.VERIFIED: frozenset(),
}


class HoldState(models.TextChoices):
    # Whoever sees it first stops everything at once; a second person says whether it stays so.
    PROPOSED = "proposed"
    PLACED = "placed"
    RELEASING = "releasing"
    RELEASED = "released"
    DECLINED = "declined"


HOLD_MOVES: dict[str, frozenset[str]] = {
    HoldState.PROPOSED: frozenset({HoldState.PLACED, HoldState.DECLINED}),
    HoldState.PLACED: frozenset({HoldState.RELEASING}),
    HoldState.RELEASING: frozenset({HoldState.RELEASED, HoldState.PLACED}),
    HoldState.RELEASED: frozenset(),
    HoldState.DECLINED: frozenset(),
}
HOLDING = (HoldState.PROPOSED, HoldState.PLACED, HoldState.RELEASING)
