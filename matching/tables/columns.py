"""What a column may hold, and how the value of one cell is read: exactly, or not at all."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# Python reads more than that as a date, milliseconds since 1970 among it.
INSTANT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)?)?", re.ASCII)
DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)

# A time is kept only where every time zone can show it.
FIRST = datetime(1, 1, 2, tzinfo=UTC)
LAST = datetime(9999, 12, 30, tzinfo=UTC)


class Kind(StrEnum):
    """Of a column of Parquet; those of CSV hold text. Said to people."""

    TEXT = "text"
    BYTES = "bytes"
    WHOLE = "whole numbers"
    FRACTIONS = "numbers with fractions"
    DATES = "dates"
    TIMES = "times"
    UUIDS = "UUIDs"
    LISTS = "lists of numbers"
    OTHER = "something else"


class Refused(Exception):
    """Why this cell cannot be used: what follows the name of its column in a sentence that quotes nothing."""


@dataclass(frozen=True)
class Column:
    name: str
    kinds: frozenset[Kind]
    read: Callable[[Any], Any]  # given None where the cell is empty; raises Refused
    needed: bool = False  # whether the table must have it
    keeps_bytes: bool = False  # bytes are no text here


def text_column(
    name: str,
    *,
    longest: int,
    needed: bool = False,
    may_be_empty: bool | None = None,
    check: Callable[[str], str] | None = None,
) -> Column:
    """Without the white space around it. What is needed may not be empty, unless it is said that it may."""
    optional = not needed if may_be_empty is None else may_be_empty

    def read(cell: str | None) -> str:
        found = kept(cell).strip() if cell else ""
        if not found:
            if optional:
                return ""
            raise Refused("is empty")
        if len(found) > longest:
            raise Refused(f"is longer than {longest:,} characters")
        return check(found) if check else found

    return Column(name, frozenset({Kind.TEXT, Kind.BYTES}), read, needed)


def id_column(name: str) -> Column:
    """Text to the last character and number to the last digit: two ids that differ anywhere stay two."""
    kinds = frozenset({Kind.TEXT, Kind.BYTES, Kind.WHOLE, Kind.UUIDS})
    return Column(name, kinds, lambda cell: kept(cell) if cell and cell.strip() else None)


def day_column(name: str) -> Column:
    kinds = frozenset({Kind.TEXT, Kind.BYTES, Kind.DATES, Kind.TIMES})
    return Column(name, kinds, day, needed=True)


def instant_column(name: str, own_zone: tzinfo) -> Column:
    """What bears no offset is the time of this zone."""
    kinds = frozenset({Kind.TEXT, Kind.BYTES, Kind.DATES, Kind.TIMES})
    return Column(name, kinds, lambda cell: instant(cell, own_zone), needed=True)


def kept(cell: str | None) -> str:
    if cell is None:
        return ""
    if "\0" in cell:
        raise Refused("holds a NUL character: take it out")
    return cell


def day(cell: str | date | None) -> date:
    if isinstance(cell, date):
        return cell.date() if isinstance(cell, datetime) else cell
    found = kept(cell).strip()
    try:
        if DAY.fullmatch(found):
            return date.fromisoformat(found)
        if INSTANT.fullmatch(found):
            return datetime.fromisoformat(found).date()
    except ValueError:
        pass
    raise Refused("is no day: write it as 2026-03-14")


def instant(cell: str | date | None, own_zone: tzinfo) -> datetime:
    found = as_datetime(cell)
    try:
        moment = (found if found.tzinfo else found.replace(tzinfo=own_zone)).astimezone(UTC)
    except OverflowError:
        moment = None
    if moment is None or not FIRST <= moment <= LAST:
        raise Refused("lies outside the years 1 to 9999, here or in another time zone")
    return moment


def as_datetime(cell: str | date | None) -> datetime:
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001  (of the zone that the caller adds)
    found = kept(cell).strip()
    try:
        if INSTANT.fullmatch(found):
            return datetime.fromisoformat(found)
    except ValueError:
        pass
    raise Refused("is no time: write it as 2026-03-14T09:30:00-04:00")


def decimal(text: str) -> float:
    """Errors: Refused."""
    found = text.strip()
    number = float(found) if DECIMAL.fullmatch(found) else math.nan
    if not math.isfinite(number):
        raise Refused("is no number")
    return number


def since_1970(count: int, per_second: int, zone: tzinfo | None) -> datetime:
    """Below a microsecond nothing is kept. Errors: OverflowError outside the years 1 to 9999."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=count * 1_000_000 // per_second)
    return moment.astimezone(zone) if zone else moment.replace(tzinfo=None)
