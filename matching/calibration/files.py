"""The files of a calibration: the numbers that bands are computed from (JSON), and a report with two plots for people.

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
from matching.calibration.pair_scores import EDGES, Counts, PairScores, at_or_above

CONFIDENCE = 0.95
COLUMNS = [
    "similarity",
    "false matches (pairs of people at or above)",
    "FMR, upper bound (95 %)",
    "false non-matches (genuine pairs below)",
]
INDEX_SIZES = (10, 50, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 1_000_000_000)
EDGES_PER_BAR = 20  # of the plot


class TooFewPairs(Exception):
    """The photos hold no genuine or no impostor pair to measure; the message is one sentence for the operator."""


@dataclass(frozen=True)
class Measurement:
    """Which model was scores, on which photos and when."""

    pack: str
    recogniser_sha256: str
    method: str  # where the photos came from and which pairs were compared, as a sentence
    measured_on: date
    photos: int


def calibration_from(measurement: Measurement, scores: PairScores) -> Calibration:
    """Errors: TooFewPairs."""
    pairs, people_pairs = int(scores.genuine.sum()), int(scores.people_pairs.sum())
    if not pairs or not people_pairs:
        raise TooFewPairs(
            "In too few of the photos a face was found: no two of one person, or no two different people."
        )
    return Calibration(
        pack=measurement.pack,
        recogniser_sha256=measurement.recogniser_sha256,
        method=measurement.method,
        measured_on=measurement.measured_on.isoformat(),
        photos=measurement.photos,
        faces=scores.faces,
        people=scores.people,
        people_pairs=people_pairs,
        impostor_pairs=int(scores.impostor.sum()),
        genuine_pairs=pairs,
        design_effect=round(scores.design_effect, 1),
        points=tuple(points(scores)),
    )


def points(scores: PairScores) -> Iterator[Point]:
    """A point for each similarity at which a count changes, from an FMR of at most a half to an FNMR of a half.

    If there are still false matches at the end, the list goes on to the first similarity without any, because the
    upper bound of the FMR is lowest there.
    """
    false_matches, false_non_matches = at_or_above(scores.people_pairs), scores.genuine.cumsum() - scores.genuine
    pairs, genuine = int(false_matches[0]), int(scores.genuine.sum())
    first = int(np.flatnonzero(false_matches * 2 <= pairs)[0])
    half_missed, last_false = np.flatnonzero(false_non_matches * 2 <= genuine)[-1], np.flatnonzero(false_matches)[-1]
    last = max(int(half_missed), int(last_false) + 1)
    before = None
    for edge in range(first, min(last + 1, len(EDGES))):
        counts = int(false_matches[edge]), int(false_non_matches[edge])
        if counts != before:
            yield Point(float(EDGES[edge]), counts[0], fmr_upper_bound(counts[0], pairs), counts[1])
        before = counts


def fmr_upper_bound(false_matches: int, pairs: int) -> float:
    """Clopper and Pearson's one-sided upper bound at 95 %, rounded up; about 3/n where there was no false match."""
    bound = 1.0
    if false_matches < pairs:
        bound = float(betaincinv(false_matches + 1, pairs - false_matches, CONFIDENCE))
    return min(1.0, float(f"{bound * 1.005:.3g}"))


def write(out: Path, calibration: Calibration, scores: PairScores) -> list[Path]:
    """Write the JSON file `out`, and the report with its plots beside it; returns all paths. Errors: OSError."""
    out.parent.mkdir(parents=True, exist_ok=True)
    described = f"{calibration.pack}, measured on {calibration.measured_on}"
    distributions, det = (out.with_name(f"{out.stem}-{plot}.svg") for plot in ("distributions", "det"))
    report = out.with_suffix(".md")
    distributions.write_text(plots.distributions(described, histogram(scores)), encoding="utf-8")
    det.write_text(plots.det(described, det_curve(calibration)), encoding="utf-8")
    report.write_text("\n".join(report_lines(calibration, scores, distributions.name, det.name)), encoding="utf-8")
    # The JSON file comes last and appears whole, because searches use it from now on.
    partial = out.with_suffix(".new")
    partial.write_text(as_json(calibration), encoding="utf-8")
    partial.replace(out)
    return [out, report, distributions, det]


def as_json(calibration: Calibration) -> str:
    head = {name: value for name, value in asdict(calibration).items() if name != "points"} | {"columns": COLUMNS}
    rows = ",\n  ".join(json.dumps(list(asdict(point).values())) for point in calibration.points)
    return json.dumps(head, indent=1, ensure_ascii=False)[:-2] + f',\n "points": [\n  {rows}\n ]\n}}\n'


def histogram(scores: PairScores) -> list[plots.Bar]:
    """The shares of genuine and impostor pairs, one bar for each EDGES_PER_BAR thousandths of similarity."""
    both = [per_bar(scores.genuine), per_bar(scores.impostor)]
    used = [at for at in range(len(both[0])) if both[0][at] or both[1][at]]
    return [
        plots.Bar(
            float(EDGES[at * EDGES_PER_BAR]),
            float(EDGES[at * EDGES_PER_BAR]) + EDGES_PER_BAR / 1000,
            genuine=float(both[0][at] / both[0].sum()),
            impostor=float(both[1][at] / both[1].sum()),
        )
        for at in range(used[0], used[-1] + 1)
    ]


def per_bar(counts: Counts) -> Counts:
    return np.add.reduceat(counts, np.arange(0, len(counts), EDGES_PER_BAR))


def det_curve(calibration: Calibration) -> list[plots.ErrorRates]:
    return [
        plots.ErrorRates(
            point.similarity,
            fmr=point.false_matches / calibration.people_pairs,
            fmr_upper_bound=point.fmr_upper_bound,
            fnmr=point.false_non_matches / calibration.genuine_pairs,
        )
        for point in calibration.points
    ]


def report_lines(calibration: Calibration, scores: PairScores, distributions: str, det: str) -> Iterator[str]:
    """The report in Markdown; `distributions` and `det` are the file names of the plots."""
    yield f"# Calibration of {calibration.pack}\n"
    yield f"{calibration.method}\n"
    yield (
        f"Measured on {calibration.measured_on}: {calibration.photos:,} photos, {calibration.faces:,} faces of"
        f" {calibration.people:,} people; {calibration.genuine_pairs:,} genuine pairs (two photos of one person),"
        f" {calibration.impostor_pairs:,} impostor pairs (faces of two different people).\n"
    )
    yield (
        f"False matches are counted among the {calibration.people_pairs:,} pairs of people, each by its most similar"
        " faces, because several photos of the same two people are one observation. The upper bound of the false match"
        " rate (FMR; Clopper and Pearson, 95 %) is for independent pairs. These pairs share people: the variance of the"
        f" lowest rate that can be measured is {calibration.design_effect:g} times that of independent pairs, which is"
        " stated here and not corrected. Nothing is extrapolated: beyond what was measured there is no certain band.\n"
    )
    yield from band_table(calibration)
    yield from relatives_table(calibration, scores)
    yield "## Similarity of genuine and impostor pairs\n"
    yield f"![The distributions of genuine and impostor pairs; the table below]({distributions})\n"
    yield from table("similarity from", "genuine pairs, %", "impostor pairs, %")
    for bar in histogram(scores):
        yield f"| {bar.start:.2f} | {bar.genuine:.2%} | {bar.impostor:.2%} |"
    yield "\n## False matches and false non-matches\n"
    yield f"![The DET curve; the table below]({det})\n"
    yield from table("similarity", "FMR", "FMR, upper bound (95 %)", "FNMR")
    for rates in plots.thinned_out(det_curve(calibration)):
        yield f"| {rates.similarity:.3f} | {rates.fmr:.3%} | {rates.fmr_upper_bound:.3%} | {rates.fnmr:.2%} |"
    yield ""


def relatives_table(calibration: Calibration, scores: PairScores) -> Iterator[str]:
    """Relatives are different people, and far more similar to each other than others are."""
    matched, pairs = at_or_above(scores.relatives), int(scores.relatives.sum())
    if not pairs:
        return
    yield "## Relatives\n"
    yield (
        f"{pairs:,} pairs of relatives, each by its most similar faces, were counted neither as impostor nor as genuine"
        " pairs. So many of them would be matched:\n"
    )
    yield from table("faces × probes", "certain", "probable or certain")
    for size in INDEX_SIZES:
        limits = bands.thresholds(calibration, pack=calibration.pack, index_size=size, probes=1)
        both = [None if at is None else int(matched[edge_of(at)]) for at in (limits.certain, limits.probable)]
        shares = ["no such band" if seen is None else f"{seen:,} ({seen / pairs:.1%})" for seen in both]
        yield f"| {size:,} | {' | '.join(shares)} |"
    yield ""


def edge_of(similarity: float) -> int:
    return int(np.searchsorted(EDGES, similarity))


def held_out_report(calibration: Calibration, apart: PairScores) -> Iterator[str]:
    """What the bands do to people who were kept apart, at each size of an index for which there is a certain band."""
    false_matches, lost = at_or_above(apart.people_pairs), apart.genuine.cumsum() - apart.genuine
    people_pairs, pairs = int(apart.people_pairs.sum()), int(apart.genuine.sum())
    for size in (*INDEX_SIZES, calibration.largest_supported_comparisons):
        limits = bands.thresholds(calibration, pack=calibration.pack, index_size=size, probes=1)
        if limits.certain is None:
            continue
        certain, probable = edge_of(limits.certain), edge_of(limits.probable)
        expected = bands.fmr_upper_bound_at(calibration, limits.certain) * people_pairs
        yield (
            f"{size:,} comparisons, certain from {limits.certain:.3f}: {false_matches[certain]:,} of {people_pairs:,}"
            f" pairs of people were certain (at most {expected:.3g} were to be expected);"
            f" of {pairs:,} genuine pairs {1 - lost[certain] / pairs:.1%} were certain,"
            f" {1 - lost[probable] / pairs:.1%} certain or probable"
        )


def band_table(calibration: Calibration) -> Iterator[str]:
    yield "## Bands by index size\n"
    yield (
        f"There is a certain band up to {calibration.largest_supported_comparisons:,} comparisons (faces times"
        " probes). The false non-match rate (FNMR) is the share of genuine pairs below the probable band.\n"
    )
    yield from table("faces × probes", "certain from", "probable from", "expected false positives, at most", "FNMR")
    for size in INDEX_SIZES:
        limits = bands.thresholds(calibration, pack=calibration.pack, index_size=size, probes=1)
        certain = "none" if limits.certain is None else f"{limits.certain:.3f}"
        false_positives = bands.fmr_upper_bound_at(calibration, limits.probable) * size
        fnmr = bands.fnmr_at(calibration, limits.probable)
        yield f"| {size:,} | {certain} | {limits.probable:.3f} | {false_positives:,.3g} | {fnmr:.1%} |"
    yield ""


def table(*heads: str) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---:|' * len(heads)}"
