"""The regulator's numbers, read under a database role that can see aggregates and nothing beneath them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connections

from portal.cases.states import OPEN, State
from portal.core import clock
from portal.takedowns.states import TakedownState

WEEKS_SHOWN = 12
MONTHS_SHOWN = 12
# An image counts as deleted once every store was read back without it.
DELETED_STATES = (TakedownState.REMOVED, TakedownState.PURGED)


@dataclass(frozen=True)
class Week:
    starts_on: date  # a Monday
    received: int
    settled: int
    closed: int


@dataclass(frozen=True)
class PlaceCount:
    place: str
    statute: str
    received: int
    open: int


@dataclass(frozen=True)
class Timing:
    """How long something took, over all cases or removals for which it has happened."""

    measured: int
    median: timedelta
    nine_in_ten: timedelta


@dataclass(frozen=True)
class KeptOut:
    """A month that is over: harvested photos of which the block list was asked, and those it kept out.

    None: fewer than ten. The others are rounded down to fives, in the database.
    """

    month: date
    asked: int | None
    refused: int | None


@dataclass(frozen=True)
class Numbers:
    as_of: date
    received: int
    open: int
    settled: int
    closed: int
    overdue: int
    images_deleted: int
    images_on_their_way: int
    images_stuck: int
    orders: int  # confirmed ones
    orders_open: int
    images_deleted_by_order: int
    states: dict[str, int]  # every state that a received case is in
    places: tuple[PlaceCount, ...]  # most received first
    weeks: tuple[Week, ...]  # oldest first, without gaps
    blocks: int | None  # in force; rounded like what they kept out
    kept_out: tuple[KeptOut, ...]  # oldest first
    removals_purged: int
    removals_purged_log_unseen: int  # of these, on a server that does not let its log and files be looked at
    times: dict[str, Timing]  # settled, closed, hidden, removed, purged; absent where nothing was measured


def numbers() -> Numbers:
    today = clock.today()
    states = dict(_rows("SELECT state, cases FROM statistics_states"))
    images = dict(_rows("SELECT state, images FROM statistics_images"))
    deleted = sum(images.get(state, 0) for state in DELETED_STATES)
    (orders,) = _rows("SELECT confirmed, open, images_deleted FROM statistics_orders")
    (purges,) = _rows("SELECT purged, log_unseen FROM statistics_purges")
    stuck, kept = images.get(TakedownState.STUCK, 0), images.get(TakedownState.RESTORED, 0)
    return Numbers(
        as_of=today,
        received=sum(states.values()),
        open=sum(states.get(state, 0) for state in OPEN),
        settled=states.get(State.SETTLED, 0),
        closed=states.get(State.CLOSED, 0),
        overdue=sum(cases for due_on, cases in _rows("SELECT due_on, cases FROM statistics_due") if due_on < today),
        images_deleted=deleted,
        images_on_their_way=sum(images.values()) - deleted - stuck - kept,
        images_stuck=stuck,
        orders=orders[0],
        orders_open=orders[1],
        images_deleted_by_order=orders[2],
        states=states,
        places=_places(),
        weeks=_weeks(today),
        blocks=next(iter(_rows("SELECT blocks FROM statistics_blocks")))[0],
        kept_out=_kept_out(),
        removals_purged=purges[0],
        removals_purged_log_unseen=purges[1],
        times=_times(),
    )


def _kept_out() -> tuple[KeptOut, ...]:
    rows = list(_rows("SELECT month, asked, refused FROM statistics_kept_out ORDER BY month"))
    return tuple(KeptOut(*row) for row in rows[-MONTHS_SHOWN:])


def _places() -> tuple[PlaceCount, ...]:
    rows = _rows("SELECT place, statute, received, open FROM statistics_places ORDER BY received DESC, place")
    return tuple(PlaceCount(*row) for row in rows)


def _times() -> dict[str, Timing]:
    rows = _rows("SELECT timed, measured, median, nine_in_ten FROM statistics_times")
    return {
        timed: Timing(measured, timedelta(seconds=median), timedelta(seconds=nine_in_ten))
        for timed, measured, median, nine_in_ten in rows
    }


def _weeks(today: date) -> tuple[Week, ...]:
    days = {row[0]: row[1:] for row in _rows("SELECT day, received, settled, closed FROM statistics_days")}
    this_week = today - timedelta(days=today.weekday())
    starts = [this_week - timedelta(weeks=back) for back in reversed(range(WEEKS_SHOWN))]
    return tuple(_week(start, days) for start in starts)


def _week(start: date, days: dict[date, tuple[int, ...]]) -> Week:
    counts = [days.get(start + timedelta(days=day), (0, 0, 0)) for day in range(7)]
    received, settled, closed = (sum(column) for column in zip(*counts, strict=True))
    return Week(start, received, settled, closed)


def _rows(query: str) -> Iterable[tuple[Any, ...]]:
    with connections["regulator"].cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())
