"""The numbers follow from what happened to cases and images."""

from datetime import timedelta
from uuid import uuid4

import pytest

from portal.cases import moves
from portal.cases.models import Case
from portal.cases.states import State
from portal.core import clock
from portal.statistics import releases
from portal.takedowns import moves as takedowns
from portal.takedowns.models import Removal
from portal.takedowns.removals import open_removal
from portal.takedowns.states import RemovalState, TakedownState
from tests.builders import make_case
from tests.statistics.build import released

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "regulator"])
DAY = timedelta(days=1)


def closed_after(days: int) -> Case:
    clock.move(-days * DAY)
    case = make_case(State.SEARCHING, address=f"after{days}@example.org")
    clock.reset()
    moves.move(case, State.SETTLED)
    moves.move(case, State.CLOSED)
    return case


def removed(*states: TakedownState) -> Removal:
    """A removal of one image a state, hidden 20 seconds after it was decided."""
    removal = open_removal(
        uuid4(), [uuid4() for _ in states], job_when_removed="case.settle", job_when_purged="case.close"
    )
    clock.move(timedelta(seconds=20))
    for takedown, wanted in zip(removal.takedowns.all(), states, strict=True):
        for state in (TakedownState.HIDDEN, TakedownState.REMOVING, TakedownState.REMOVED, TakedownState.PURGED):
            if takedown.state != wanted:
                takedowns.move_takedown(takedown, state)
    takedowns.move_removal(removal, RemovalState.HIDDEN)
    clock.reset()
    return removal


def test_nothing_is_all_noughts() -> None:
    shown = released()
    assert (shown.received, shown.open, shown.overdue, shown.images_deleted) == (0, 0, 0, 0)
    assert shown.times == {}
    assert len(shown.weeks) == releases.WEEKS_SHOWN


def test_drafts_and_what_was_never_sent_are_no_cases() -> None:
    make_case(State.DRAFT)
    make_case(State.EXPIRED)
    assert released().received == 0


def test_it_counts_by_state_and_by_place() -> None:
    for state in (State.REVIEW, State.SEARCHING, State.SETTLED, State.CLOSED, State.REFUSED):
        make_case(state)
    make_case(State.REVIEW, place="EU", address="bo@example.org")
    shown = released()
    assert (shown.received, shown.open, shown.closed, shown.refused) == (6, 4, 1, 1)
    # Settled within minutes would tell that nothing was found: it is open until it is closed.
    assert shown.states == {"open": 4, "closed": 1, "refused": 1}
    assert [(place.place, place.received, place.open) for place in shown.places] == [("CA-ON", 5, 2), ("EU", 1, 1)]


def test_overdue_begins_on_the_day_after_and_only_while_open() -> None:
    case = make_case(State.REVIEW)
    assert case.due_on is not None
    make_case(State.SETTLED)
    clock.move((case.due_on - clock.today()).days * DAY)
    assert released().overdue == 0
    clock.move(DAY)
    assert released().overdue == 1


def test_it_takes_the_median_and_nine_in_ten() -> None:
    for days in (1, 3, 11):
        closed_after(days)
    timing = released().times["closed"]
    assert timing.measured == 3
    assert abs(timing.median - 3 * DAY) < timedelta(minutes=1)
    assert abs(timing.nine_in_ten - 9.4 * DAY) < timedelta(minutes=1)


def test_an_image_is_deleted_once_it_is_read_back_as_gone() -> None:
    removed(TakedownState.PURGED, TakedownState.REMOVED, TakedownState.REMOVING, TakedownState.HIDDEN)
    shown = released()
    assert (shown.images_deleted, shown.images_open) == (2, 2)
    assert abs(shown.times["hidden"].median - timedelta(seconds=20)) < timedelta(seconds=2)


def test_purges_whose_log_was_not_seen_are_counted_apart() -> None:
    for checked in (True, False, False):
        removal = removed(TakedownState.PURGED)
        takedowns.move_removal(removal, RemovalState.REMOVED)
        takedowns.move_removal(removal, RemovalState.PURGED, log_checked=checked)
    shown = released()
    assert (shown.removals_purged, shown.removals_purged_log_unseen) == (3, 2)


def test_what_is_stuck_is_open_and_what_was_restored_is_not() -> None:
    removal = removed(TakedownState.HIDDEN, TakedownState.REMOVING)
    hidden, removing = removal.takedowns.order_by("pk")
    takedowns.move_takedown(hidden, TakedownState.RESTORED)
    takedowns.move_takedown(removing, TakedownState.STUCK)
    shown = released()
    assert (shown.images_deleted, shown.images_open) == (0, 1)


def test_weeks_begin_on_mondays_and_hold_what_happened_in_them() -> None:
    closed_after(14)
    weeks = released().weeks
    assert {week.starts_on.weekday() for week in weeks} == {0}
    assert sum(week.received for week in weeks) == sum(week.closed for week in weeks) == 1
    received_in = next(place for place, week in enumerate(weeks) if week.received)
    closed_in = next(place for place, week in enumerate(weeks) if week.closed)
    assert closed_in - received_in == 2
