"""The one conditional update by which every state changes: `UPDATE … WHERE state = <the state that was read>`.

Only the `moves` module of a package calls it, with the package's table of legal moves, and adds what the audit trail
says of the move. Call it in the transaction of that entry.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar

from django.db.models import Model

from portal.core.faults import IllegalMove, Stale

Row = TypeVar("Row", bound=Model)
Table = Mapping[Any, Collection[Any]]  # from each state, those it may move to


def move(row: Row, to: str, table: Table, **values: Any) -> None:
    """Move one row and set its other fields, in the database and in the object. Errors: IllegalMove, Stale."""
    if not move_many([row], to, table, **values):
        raise Stale(f"{type(row).__name__} → {to}")


def move_many(rows: Sequence[Row], to: str, table: Table, **values: Any) -> list[Row]:
    """Move the rows that are still in the state that was read, and return them.

    Errors: IllegalMove, and then none is moved.
    """
    if illegal := {str(_state(row)) for row in rows if to not in table[_state(row)]}:
        raise IllegalMove(f"{type(rows[0]).__name__}: {', '.join(sorted(illegal))} → {to}")
    moved = []
    for was, group in groupby(sorted(rows, key=_state), key=_state):
        moved += _move_from(list(group), was, {"state": to, **values})
    return moved


_state = attrgetter("state")


def _move_from(rows: list[Row], was: str, changes: dict[str, Any]) -> list[Row]:
    manager = type(rows[0])._default_manager
    # Locked in one order, so that two workers with overlapping batches wait for each other instead of deadlocking.
    unmoved = manager.filter(pk__in=[row.pk for row in rows], state=was).order_by("pk")
    mine = set(unmoved.select_for_update(no_key=True).values_list("pk", flat=True))
    manager.filter(pk__in=mine).update(**changes)
    moved = [row for row in rows if row.pk in mine]
    for row in moved:
        for name, value in changes.items():
            setattr(row, name, value)
    return moved
