"""A calibration as it is kept: numbers for the bands (JSON), and for people two plots and their tables (SVG, Markdown).

Nothing in them names a photo or a person.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
from scipy.special import betaincinv

from matching.calibration import bands, plots
from matching.calibration.bands import Calibration, Point
from matching.calibration.pair_scores import EDGES, Counts, Separation, at_or_above

CONFIDENCE = 0.95
COLUMNS = ["similarity", "pairs of people at or above", "their rate at most (95 %)", "pairs of one person below"]
INDEX_SIZES = (10, 50, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 1_000_000_000)
BIN = 20  # edges in one bar of the plot


class TooLittle(Exception):
    """The photos hold too few faces to measure anything; the message is one sentence."""


@dataclass(frozen=True)
class Source:
    pack: str
    recogniser_sha256: str
    how: str
    measured_on: date
    photos: int


def calibration_of(source: Source, measured: Separation) -> Calibration:
    """Errors: TooLittle."""
    pairs, people_pairs = int(measured.genuine.sum()), int(measured.closest.sum())
    if not pairs or not people_pairs:
        raise TooLittle("In too few of the photos a face was found: no two of one person, or no two different people.")
    return Calibration(
        pack=source.pack,
        recogniser_sha256=source.recogniser_sha256,
        how=source.how,
        measured_on=source.measured_on.isoformat(),
        photos=source.photos,
        faces=measured.faces,
        people=measured.people,
        people_pairs=people_pairs,
        impostor_pairs=int(measured.impostor.sum()),
        genuine_pairs=pairs,
        design_effect=round(measured.design_effect, 1),
        points=tuple(points(measured)),
    )


def points(measured: Separation) -> Iterator[Point]:
    """From where half of the strangers are below to where half of the genuine pairs are, at each change.

    One more closes the list where no stranger was seen, if it was not reached: the bound there is the best there is.
    """
    strangers, lost = at_or_above(measured.closest), measured.genuine.cumsum() - measured.genuine
    pairs, genuine = int(strangers[0]), int(measured.genuine.sum())
    first = int(np.flatnonzero(strangers * 2 <= pairs)[0])
    last = max(int(np.flatnonzero(lost * 2 <= genuine)[-1]), int(np.flatnonzero(strangers > 0)[-1]) + 1)
    before = None
    for edge in range(first, min(last + 1, len(EDGES))):
        counts = int(strangers[edge]), int(lost[edge])
        if counts != before:
            yield Point(float(EDGES[edge]), counts[0], rate_at_most(counts[0], pairs), counts[1])
        before = counts


def rate_at_most(seen: int, pairs: int) -> float:
    """Clopper and Pearson's upper bound, rounded up; 3/n where none was seen."""
    bound = float(betaincinv(seen + 1, pairs - seen, CONFIDENCE)) if seen < pairs else 1.0
    return min(1.0, float(f"{bound * 1.005:.3g}"))


def write(out: Path, calibration: Calibration, measured: Separation) -> list[Path]:
    """The JSON file named, and beside it the report with its plots. Errors: OSError."""
    out.parent.mkdir(parents=True, exist_ok=True)
    described = f"{calibration.pack}, measured on {calibration.measured_on}"
    distributions, det = (out.with_name(f"{out.stem}-{plot}.svg") for plot in ("distributions", "det"))
    report = out.with_suffix(".md")
    distributions.write_text(plots.distributions(described, bars(measured)), encoding="utf-8")
    det.write_text(plots.det(described, curve(calibration)), encoding="utf-8")
    report.write_text("\n".join(told(calibration, measured, distributions.name, det.name)), encoding="utf-8")
    # Last and at once, since from now on searches use it.
    partial = out.with_suffix(".new")
    partial.write_text(as_json(calibration), encoding="utf-8")
    partial.replace(out)
    return [out, report, distributions, det]


def as_json(calibration: Calibration) -> str:
    head = {name: value for name, value in asdict(calibration).items() if name != "points"} | {"columns": COLUMNS}
    rows = ",\n  ".join(json.dumps(list(asdict(point).values())) for point in calibration.points)
    return json.dumps(head, indent=1, ensure_ascii=False)[:-2] + f',\n "points": [\n  {rows}\n ]\n}}\n'


def bars(measured: Separation) -> list[plots.Bar]:
    """Shares of the pairs of one person and of different people, a bar for each BIN thousandths."""
    both = [in_bars(measured.genuine), in_bars(measured.impostor)]
    used = [at for at in range(len(both[0])) if both[0][at] or both[1][at]]
    return [
        plots.Bar(
            float(EDGES[at * BIN]),
            float(EDGES[at * BIN]) + BIN / 1000,
            genuine=float(both[0][at] / both[0].sum()),
            impostor=float(both[1][at] / both[1].sum()),
        )
        for at in range(used[0], used[-1] + 1)
    ]


def in_bars(counts: Counts) -> Counts:
    return np.add.reduceat(counts, np.arange(0, len(counts), BIN))


def curve(calibration: Calibration) -> list[plots.Error]:
    return [
        plots.Error(
            point.similarity,
            false_match=point.strangers / calibration.people_pairs,
            false_match_at_most=point.rate_at_most,
            false_non_match=point.lost / calibration.genuine_pairs,
        )
        for point in calibration.points
    ]


def told(calibration: Calibration, measured: Separation, distributions: str, det: str) -> Iterator[str]:
    yield f"# Calibration of {calibration.pack}\n"
    yield f"{calibration.how}\n"
    yield (
        f"Measured on {calibration.measured_on}: {calibration.photos:,} photos, {calibration.faces:,} faces of"
        f" {calibration.people:,} people; {calibration.genuine_pairs:,} pairs of photos of one person,"
        f" {calibration.impostor_pairs:,} pairs of faces of different people.\n"
    )
    yield (
        f"False matches are counted by the {calibration.people_pairs:,} pairs of people, each by its most alike faces,"
        " because several photos of the same two people are one observation. The bound (Clopper and Pearson, 95 %) is"
        " for independent pairs. These share people: the variance of the rarest rate that can be measured is"
        f" {calibration.design_effect:g} times that of independent pairs, which is stated here and not corrected."
        " Nothing is extrapolated: beyond what was seen there is no certain band.\n"
    )
    yield from band_table(calibration)
    yield from relatives_table(calibration, measured)
    yield "## How alike\n"
    yield f"![How alike pairs of one person and of different people are; the table below]({distributions})\n"
    yield from table("similarity from", "one person, %", "different people, %")
    for bar in bars(measured):
        yield f"| {bar.start:.2f} | {bar.genuine:.2%} | {bar.impostor:.2%} |"
    yield "\n## What is missed and what is wrongly matched\n"
    yield f"![The DET curve; the table below]({det})\n"
    yield from table("similarity", "wrongly matched", "at most (95 %)", "missed")
    for error in plots.thinned(curve(calibration)):
        yield (
            f"| {error.similarity:.3f} | {error.false_match:.3%} | {error.false_match_at_most:.3%}"
            f" | {error.false_non_match:.2%} |"
        )
    yield ""


def relatives_table(calibration: Calibration, measured: Separation) -> Iterator[str]:
    """Relatives are strangers to one another, and far more alike than others are."""
    alike, pairs = at_or_above(measured.relatives), int(measured.relatives.sum())
    if not pairs:
        return
    yield "## Relatives\n"
    yield (
        f"{pairs:,} pairs of relatives, each by its most alike faces, were counted neither as strangers nor as one"
        " person. So many of them would be matched:\n"
    )
    yield from table("faces × probes", "certain", "probable or certain")
    for size in INDEX_SIZES:
        limits = bands.thresholds(calibration, pack=calibration.pack, index_size=size, probes=1)
        both = [None if at is None else int(alike[edge_of(at)]) for at in (limits.certain, limits.probable)]
        shares = ["no such band" if seen is None else f"{seen:,} ({seen / pairs:.1%})" for seen in both]
        yield f"| {size:,} | {' | '.join(shares)} |"
    yield ""


def edge_of(similarity: float) -> int:
    return int(np.searchsorted(EDGES, similarity))


def judged(calibration: Calibration, apart: Separation) -> Iterator[str]:
    """What its bands do to people who were kept apart, at each size of an index for which there is a certain band."""
    strangers, lost = at_or_above(apart.closest), apart.genuine.cumsum() - apart.genuine
    people_pairs, pairs = int(apart.closest.sum()), int(apart.genuine.sum())
    for size in (*INDEX_SIZES, calibration.largest_supported):
        limits = bands.thresholds(calibration, pack=calibration.pack, index_size=size, probes=1)
        if limits.certain is None:
            continue
        certain, probable = edge_of(limits.certain), edge_of(limits.probable)
        expected = bands.strangers_at_most(calibration, limits.certain) * people_pairs
        yield (
            f"{size:,} comparisons, certain from {limits.certain:.3f}: {strangers[certain]:,} of {people_pairs:,} pairs"
            f" of people were certain (at most {expected:.3g} were to be expected);"
            f" of {pairs:,} pairs of one person {1 - lost[certain] / pairs:.1%} were certain,"
            f" {1 - lost[probable] / pairs:.1%} certain or probable"
        )


def band_table(calibration: Calibration) -> Iterator[str]:
    yield "## Bands by index size\n"
    yield (
        f"A certain band exists up to {calibration.largest_supported:,} comparisons, faces times probes. *Lost* is the"
        " share of pairs of one person that are less alike than the probable band reaches.\n"
    )
    yield from table("faces × probes", "certain from", "probable from", "strangers at most", "lost")
    for size in INDEX_SIZES:
        limits = bands.thresholds(calibration, pack=calibration.pack, index_size=size, probes=1)
        certain = "none" if limits.certain is None else f"{limits.certain:.3f}"
        strangers = bands.strangers_at_most(calibration, limits.probable) * size
        lost = bands.lost_share(calibration, limits.probable)
        yield f"| {size:,} | {certain} | {limits.probable:.3f} | {strangers:,.3g} | {lost:.1%} |"
    yield ""


def table(*heads: str) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---:|' * len(heads)}"
