"""Bands: from measured pairs and the size of the index to the lowest similarity of each band."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from matching.types import Band, Thresholds

FOLDER = Path(__file__).with_name("calibrations")
EXPECTED_STRANGERS_CERTAIN = 0.01  # a case: all probes, whole index
EXPECTED_STRANGERS_PROBABLE = 20.0  # a case: what staff can look through at most
EXPECTED_STRANGERS_FREE = 0.1  # a case: so few that looking further down costs nobody anything
GENUINE_LOST = 0.01
# Without measurements nothing is certain; this is where InsightFace's recognisers stop resembling at all.
UNCALIBRATED_PROBABLE = 0.35


@dataclass(frozen=True)
class Point:
    similarity: float
    strangers: int  # impostor pairs at or above
    rate_at_most: float  # of false matches: Clopper-Pearson's upper bound, one-sided, 95 %
    lost: int  # genuine pairs below


@dataclass(frozen=True)
class Calibration:
    pack: str
    how: str
    impostor_pairs: int
    genuine_pairs: int
    points: tuple[Point, ...]  # rising similarity

    @property
    def largest_supported(self) -> int:
        """Faces times probes up to which a certain band exists at all."""
        return int(EXPECTED_STRANGERS_CERTAIN / min(point.rate_at_most for point in self.points))


def thresholds(calibration: Calibration | None, *, pack: str, index_size: int, probes: int) -> Thresholds:
    if calibration is None:
        basis = "This pack has no calibration: nothing is certain, and the probable band is a cautious guess."
        return Thresholds(None, UNCALIBRATED_PROBABLE, pack, index_size, basis)
    comparisons = max(1, index_size * probes)
    certain = lowest(calibration, comparisons, EXPECTED_STRANGERS_CERTAIN)
    probable = lowest_probable(calibration, comparisons)
    if certain is not None:
        probable = min(probable, certain)
    basis = explain(calibration, certain=certain, probable=probable, comparisons=comparisons)
    return Thresholds(certain, probable, pack, index_size, basis)


def lowest(calibration: Calibration, comparisons: int, strangers: float) -> float | None:
    """The lowest similarity at which no more than so many strangers are expected, at 95 % confidence."""
    for point in calibration.points:
        if point.rate_at_most * comparisons <= strangers:
            return point.similarity
    return None


def lowest_probable(calibration: Calibration, comparisons: int) -> float:
    """Down to where few genuine pairs are lost, further where that is free, never past what staff can do.

    In an index too large for the data the number of strangers is not known: from the first similarity
    at which none was measured, because missing a face is worse than looking at one too many.
    """
    cap = lowest(calibration, comparisons, EXPECTED_STRANGERS_PROBABLE)
    if cap is None:
        cap = next(point.similarity for point in calibration.points if not point.strangers)
    free = lowest(calibration, comparisons, EXPECTED_STRANGERS_FREE)
    wanted = losing_little(calibration)
    return max(cap, wanted if free is None else min(wanted, free))


def losing_little(calibration: Calibration) -> float:
    allowed = calibration.genuine_pairs * GENUINE_LOST
    return max(point.similarity for point in calibration.points if point.lost <= allowed)


def lost_share(calibration: Calibration, similarity: float) -> float:
    lost = max((point.lost for point in calibration.points if point.similarity <= similarity), default=0)
    return lost / calibration.genuine_pairs


def explain(calibration: Calibration, *, certain: float | None, probable: float, comparisons: int) -> str:
    measured = (
        f"Measured on {calibration.impostor_pairs:,} pairs of different people and"
        f" {calibration.genuine_pairs:,} of the same; {lost_share(calibration, probable):.1%} of the latter"
        f" are less alike than {probable:.3f}."
    )
    if certain is None:
        return (
            f"{measured} {comparisons:,} comparisons are more than the {calibration.largest_supported:,}"
            " this supports, so nothing is certain."
        )
    return (
        f"{measured} From {certain:.3f} on at most {EXPECTED_STRANGERS_CERTAIN:g} false matches are"
        f" expected in {comparisons:,} comparisons (95 % confidence)."
    )


def band(similarity: float, limits: Thresholds) -> Band:
    certain = limits.certain is not None and similarity >= limits.certain
    return Band.CERTAIN if certain else Band.PROBABLE


@cache
def for_recogniser(sha256: str) -> Calibration | None:
    for path in sorted(FOLDER.glob("*.json")):
        content = json.loads(path.read_text())
        if content["recogniser_sha256"] == sha256:
            return read(content)
    return None


def read(content: dict[str, Any]) -> Calibration:
    return Calibration(
        pack=content["pack"],
        how=content["how"],
        impostor_pairs=content["impostor_pairs"],
        genuine_pairs=content["genuine_pairs"],
        points=tuple(Point(*row) for row in content["points"]),
    )
