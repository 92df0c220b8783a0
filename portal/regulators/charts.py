"""Drawings as plain numbers: the templates write them into SVG attributes, since no inline style is allowed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from portal.statistics.queries import Week

WIDTH, HEIGHT, BASE = 720, 200, 170  # units of the weeks' drawing; BASE is the line the columns stand on
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
    settled: Column
    label_at: int
    labelled: bool


@dataclass(frozen=True)
class WeeksChart:
    columns: tuple[WeekColumns, ...]
    most: int
    top: int
    width: int = WIDTH
    height: int = HEIGHT
    base: int = BASE


def weeks(shown: Sequence[Week]) -> WeeksChart:
    """Two columns a week: received and settled."""
    most = max((max(week.received, week.settled) for week in shown), default=0)
    slot = WIDTH // max(1, len(shown))
    thick = slot // 3

    def column(x: int, count: int) -> Column:
        tall = _scaled(count, most, BASE - 20)
        return Column(x, BASE - tall, thick, tall)

    columns = tuple(
        WeekColumns(
            week=week,
            received=column(slot * place + thick // 2, week.received),
            settled=column(slot * place + thick // 2 + thick + 2, week.settled),
            label_at=slot * place + slot // 2,
            labelled=place % 2 == len(shown) % 2,
        )
        for place, week in enumerate(shown)
    )
    return WeeksChart(columns, most, top=20)


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
