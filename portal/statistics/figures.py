"""The figures of a release, and how they are written down. No state of a case is finer than open, closed or refused."""

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any


@dataclass(frozen=True)
class Week:
    starts_on: date  # a Monday
    received: int
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
    open: int  # until their slot has come and what was decided is purged, whatever that was
    closed: int
    refused: int
    overdue: int
    images_deleted: int
    images_open: int  # decided and not yet read back as gone
    orders: int  # confirmed ones
    orders_open: int
    images_deleted_by_order: int
    places: tuple[PlaceCount, ...]  # most received first
    weeks: tuple[Week, ...]  # oldest first, without gaps
    blocks: int | None  # in force; rounded like what they kept out
    kept_out: tuple[KeptOut, ...]  # oldest first
    removals_purged: int
    removals_purged_log_unseen: int  # of these, on a server that does not let its log and files be looked at
    times: dict[str, Timing]  # closed, hidden, removed, purged; absent where nothing was measured

    @property
    def states(self) -> dict[str, int]:
        return {"open": self.open, "closed": self.closed, "refused": self.refused}


def written(numbers: Numbers) -> dict[str, Any]:
    """As JSON can hold it."""
    plain = asdict(numbers)
    plain["as_of"] = numbers.as_of.isoformat()
    plain["weeks"] = [[week.starts_on.isoformat(), week.received, week.closed] for week in numbers.weeks]
    plain["kept_out"] = [[row.month.isoformat(), row.asked, row.refused] for row in numbers.kept_out]
    plain["places"] = [[row.place, row.statute, row.received, row.open] for row in numbers.places]
    plain["times"] = {
        name: [timing.measured, timing.median.total_seconds(), timing.nine_in_ten.total_seconds()]
        for name, timing in numbers.times.items()
    }
    return plain


def read(plain: dict[str, Any]) -> Numbers:
    held = {
        "as_of": date.fromisoformat(plain["as_of"]),
        "weeks": tuple(Week(date.fromisoformat(day), *counts) for day, *counts in plain["weeks"]),
        "kept_out": tuple(KeptOut(date.fromisoformat(month), *counts) for month, *counts in plain["kept_out"]),
        "places": tuple(PlaceCount(*row) for row in plain["places"]),
        "times": {
            name: Timing(measured, timedelta(seconds=median), timedelta(seconds=nine_in_ten))
            for name, (measured, median, nine_in_ten) in plain["times"].items()
        },
    }
    return Numbers(**{**plain, **held})
