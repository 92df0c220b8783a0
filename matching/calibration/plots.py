"""Plots as plain SVG, without script or style sheet, with a title and a description for people who cannot see them.

The colours are those of Okabe and Ito. A dashed line tells the second series apart without colour.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 700, 40, 340
BLUE, ORANGE, INK, GRID = "#0072b2", "#d55e00", "#0b0c0c", "#b1b4b6"
MOST_LINES = 40  # of a table

Position = Callable[[float], float]


@dataclass(frozen=True)
class Bar:
    """The shares of all genuine and of all impostor pairs from one similarity up to another."""

    start: float
    end: float
    genuine: float
    impostor: float


@dataclass(frozen=True)
class ErrorRates:
    """The shares of pairs that are decided wrongly at a similarity, used as a threshold."""

    similarity: float
    fmr: float
    fmr_upper_bound: float  # at 95 % confidence
    fnmr: float


@dataclass(frozen=True)
class Tick:
    at: float
    text: str


def distributions(described: str, histogram: Sequence[Bar]) -> str:
    low, high = histogram[0].start, histogram[-1].end
    tallest = max(max(bar.genuine, bar.impostor) for bar in histogram)
    across, up = linear_scale(low, high, LEFT, RIGHT), linear_scale(0, tallest, BOTTOM, TOP)
    step = 0.1 if high - low > 0.3 else 0.05
    similarities = [round(n * step, 2) for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return drawing(
        f"Similarity of genuine and impostor pairs: {described}",
        f"Two histograms over the similarity from {low:.2f} to {high:.2f}. Impostor pairs (different people) are"
        f" most often near {mode(histogram, lambda bar: bar.impostor):.2f}, genuine pairs (one person) near"
        f" {mode(histogram, lambda bar: bar.genuine):.2f}. The numbers are in the table of the report.",
        [
            *x_axis("similarity (cosine)", [Tick(across(value), f"{value:g}") for value in similarities]),
            *y_axis("share of pairs", [Tick(up(share), f"{share * 100:.2g} %") for share in three_ticks(tallest)]),
            outline(histogram, lambda bar: bar.impostor, across, up, ORANGE, "6 4"),
            outline(histogram, lambda bar: bar.genuine, across, up, BLUE, ""),
            *legend(("genuine (one person)", BLUE, ""), ("impostor (different people)", ORANGE, "6 4")),
        ],
    )


def det(described: str, errors: Sequence[ErrorRates]) -> str:
    """The FNMR over the FMR, both as measured and at its upper bound; the axis of the FMR is logarithmic."""
    least = 10 ** math.floor(math.log10(min(error.fmr_upper_bound for error in errors)))
    most_missed = max(0.01, max(error.fnmr for error in errors))
    log, up = linear_scale(math.log10(least), 0, LEFT, RIGHT), linear_scale(0, most_missed, BOTTOM, TOP)

    def across(rate: float) -> float:
        return log(math.log10(max(rate, least)))

    powers = [10.0**n for n in range(round(math.log10(least)), 1)]
    return drawing(
        f"False matches and false non-matches: {described}",
        "A detection error trade-off curve. To the left there are fewer false matches and more false non-matches."
        " The numbers are in the table of the report.",
        [
            *x_axis("false match rate (FMR)", [Tick(across(rate), f"{rate * 100:g} %") for rate in powers]),
            *y_axis(
                "false non-match rate (FNMR)",
                [Tick(up(share), f"{share * 100:.2g} %") for share in three_ticks(most_missed)],
            ),
            line([(across(e.fmr_upper_bound), up(e.fnmr)) for e in errors], ORANGE, "6 4"),
            line([(across(e.fmr), up(e.fnmr)) for e in errors if e.fmr], BLUE, ""),
            *legend(("as measured", BLUE, ""), ("upper bound, 95 % confidence", ORANGE, "6 4")),
        ],
    )


def thinned_out(errors: Sequence[ErrorRates]) -> list[ErrorRates]:
    """At most MOST_LINES of them, with the last always included."""
    step = -(-len(errors) // MOST_LINES)
    return [*errors[:-1:step], errors[-1]]


def linear_scale(low: float, high: float, start: float, end: float) -> Position:
    return lambda value: start + (value - low) / (high - low) * (end - start)


def three_ticks(most: float) -> list[float]:
    return [0, most / 2, most]


def mode(histogram: Sequence[Bar], share: Callable[[Bar], float]) -> float:
    highest = max(histogram, key=share)
    return (highest.start + highest.end) / 2


def drawing(title: str, description: str, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        ' aria-labelledby="title description" font-family="sans-serif" font-size="14">'
    )
    named = [
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="description">{escape(description)}</desc>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
    ]
    return "\n".join([head, *named, *parts, "</svg>", ""])


def x_axis(name: str, ticks: Sequence[Tick]) -> Iterator[str]:
    for tick in ticks:
        yield f'<path d="M{tick.at:.1f} {TOP}V{BOTTOM}" stroke="{GRID}"/>'
        yield text(tick.at, BOTTOM + 20, tick.text, "middle")
    yield text((LEFT + RIGHT) / 2, HEIGHT - 14, name, "middle")


def y_axis(name: str, ticks: Sequence[Tick]) -> Iterator[str]:
    for tick in ticks:
        yield f'<path d="M{LEFT} {tick.at:.1f}H{RIGHT}" stroke="{GRID}"/>'
        yield text(LEFT - 8, tick.at + 5, tick.text, "end")
    yield text(LEFT, TOP - 18, name, "start")


def outline(
    histogram: Sequence[Bar], share: Callable[[Bar], float], across: Position, up: Position, colour: str, dashes: str
) -> str:
    corners = [(across(edge), up(share(bar))) for bar in histogram for edge in (bar.start, bar.end)]
    return line([(corners[0][0], BOTTOM), *corners, (corners[-1][0], BOTTOM)], colour, dashes)


def line(points: Sequence[tuple[float, float]], colour: str, dashes: str) -> str:
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>' if points else ""


def legend(*series: tuple[str, str, str]) -> Iterator[str]:
    for nth, (name, colour, dashes) in enumerate(series):
        y = TOP + 16 + 22 * nth
        yield line([(RIGHT - 220, y - 5), (RIGHT - 190, y - 5)], colour, dashes)
        yield text(RIGHT - 182, y, name, "start")


def text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{INK}">{escape(words)}</text>'
