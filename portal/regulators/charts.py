"""Drawings as plain numbers: the templates write them into SVG attributes, since no inline style is allowed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from portal.statistics.figures import Week

WIDTH, HEIGHT = 720, 160  # units of the weeks' drawing, which is stretched to the room there is
BAR = 100  # units of a horizontal bar


@dataclass(frozen=True)
class Column:
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class WeekColumns:
    week: Week
    received: Column
    closed: Column


@dataclass(frozen=True)
class WeeksChart:
    columns: tuple[WeekColumns, ...]
    most: int
    # The Mondays written below, one for two weeks.
    labels: tuple[date, ...]
    width: int = WIDTH
    height: int = HEIGHT


def weeks(shown: Sequence[Week]) -> WeeksChart:
    """Two columns a week: received and closed."""
    most = max((max(week.received, week.closed) for week in shown), default=0)
    slot = WIDTH // max(1, len(shown))
    thick = slot // 3

    def column(x: int, count: int) -> Column:
        tall = _scaled(count, most, HEIGHT)
        return Column(x, HEIGHT - tall, thick, tall)

    columns = tuple(
        WeekColumns(
            week=week,
            received=column(slot * place + thick // 2, week.received),
            closed=column(slot * place + thick // 2 + thick + 2, week.closed),
        )
        for place, week in enumerate(shown)
    )
    return WeeksChart(columns, most, labels=tuple(week.starts_on for week in shown[::2]))


@dataclass(frozen=True)
class Bar:
    label: str
    count: int
    width: int


def bars(counts: Iterable[tuple[str, int]]) -> list[Bar]:
    rows = list(counts)
    most = max((count for _label, count in rows), default=0)
    return [Bar(label, count, _scaled(count, most, BAR)) for label, count in rows]


def _scaled(count: int, most: int, room: int) -> int:
    """In proportion, but never invisible."""
    return 0 if not count else max(2, round(room * count / most))
