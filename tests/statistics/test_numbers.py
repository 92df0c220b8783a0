"""The numbers follow from what happened to cases and images."""

from datetime import timedelta
from uuid import uuid4

import pytest

from portal.cases import moves
from portal.cases.models import Case
from portal.cases.states import State
from portal.core import clock
from portal.statistics import queries
from portal.takedowns import moves as takedowns
from portal.takedowns.models import Removal
from portal.takedowns.removals import open_removal
from portal.takedowns.states import RemovalState, TakedownState
from tests.builders import make_case

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "regulator"])
DAY = timedelta(days=1)


def settled_after(days: int) -> Case:
    clock.move(-days * DAY)
    case = make_case(State.SEARCHING, address=f"after{days}@example.org")
    clock.reset()
    moves.move(case, State.SETTLED)
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
    shown = queries.numbers()
    assert (shown.received, shown.open, shown.overdue, shown.images_deleted) == (0, 0, 0, 0)
    assert shown.times == {}
    assert len(shown.weeks) == queries.WEEKS_SHOWN


def test_drafts_and_what_was_never_sent_are_no_cases() -> None:
    make_case(State.DRAFT)
    make_case(State.EXPIRED)
    assert queries.numbers().received == 0


def test_it_counts_by_state_and_by_place() -> None:
    for state in (State.REVIEW, State.SEARCHING, State.SETTLED, State.CLOSED):
        make_case(state)
    make_case(State.REVIEW, place="EU")
    shown = queries.numbers()
    assert (shown.received, shown.open, shown.settled, shown.closed) == (5, 3, 1, 1)
    assert shown.states == {"review": 2, "searching": 1, "settled": 1, "closed": 1}
    assert [(place.place, place.received, place.open) for place in shown.places] == [("CA-ON", 4, 2), ("EU", 1, 1)]


def test_overdue_begins_on_the_day_after_and_only_while_open() -> None:
    case = make_case(State.REVIEW)
    assert case.due_on is not None
    make_case(State.SETTLED)
    clock.move((case.due_on - clock.today()).days * DAY)
    assert queries.numbers().overdue == 0
    clock.move(DAY)
    assert queries.numbers().overdue == 1


def test_it_takes_the_median_and_nine_in_ten() -> None:
    for days in (1, 3, 11):
        settled_after(days)
    timing = queries.numbers().times["settled"]
    assert timing.measured == 3
    assert abs(timing.median - 3 * DAY) < timedelta(minutes=1)
    assert abs(timing.nine_in_ten - 9.4 * DAY) < timedelta(minutes=1)


def test_an_image_is_deleted_once_it_is_read_back_as_gone() -> None:
    removed(TakedownState.PURGED, TakedownState.REMOVED, TakedownState.REMOVING, TakedownState.HIDDEN)
    shown = queries.numbers()
    assert (shown.images_deleted, shown.images_on_their_way, shown.images_stuck) == (2, 2, 0)
    assert abs(shown.times["hidden"].median - timedelta(seconds=20)) < timedelta(seconds=2)


def test_purges_whose_log_was_not_seen_are_counted_apart() -> None:
    for checked in (True, False, False):
        removal = removed(TakedownState.PURGED)
        takedowns.move_removal(removal, RemovalState.REMOVED)
        takedowns.move_removal(removal, RemovalState.PURGED, log_checked=checked)
    shown = queries.numbers()
    assert (shown.removals_purged, shown.removals_purged_log_unseen) == (3, 2)


def test_what_is_stuck_or_restored_is_not_on_its_way() -> None:
    removal = removed(TakedownState.HIDDEN, TakedownState.REMOVING)
    hidden, removing = removal.takedowns.order_by("pk")
    takedowns.move_takedown(hidden, TakedownState.RESTORED)
    takedowns.move_takedown(removing, TakedownState.STUCK)
    shown = queries.numbers()
    assert (shown.images_deleted, shown.images_on_their_way, shown.images_stuck) == (0, 0, 1)


def test_weeks_begin_on_mondays_and_hold_what_happened_in_them() -> None:
    settled_after(14)
    weeks = queries.numbers().weeks
    assert {week.starts_on.weekday() for week in weeks} == {0}
    assert sum(week.received for week in weeks) == sum(week.settled for week in weeks) == 1
    received_in = next(place for place, week in enumerate(weeks) if week.received)
    settled_in = next(place for place, week in enumerate(weeks) if week.settled)
    assert settled_in - received_in == 2
