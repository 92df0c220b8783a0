"""Bands: from measured pairs and the size of the index to the lowest similarity of each band."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from scipy.special import betaincinv

from matching.types import Band, Thresholds

FOLDER = Path(__file__).with_name("calibrations")
EXPECTED_STRANGERS_CERTAIN = 0.01  # a case: all probes, whole index
EXPECTED_STRANGERS_PROBABLE = 20.0  # a case: what staff can look through
GENUINE_LOST = 0.01
CONFIDENCE = 0.95
# Without measurements nothing is certain; this is where InsightFace's recognisers stop resembling at all.
UNCALIBRATED_PROBABLE = 0.35


@dataclass(frozen=True)
class Point:
    similarity: float
    strangers: int  # impostor pairs at or above
    lost: int  # genuine pairs below


@dataclass(frozen=True)
class Calibration:
    pack: str
    how: str
    impostor_pairs: int
    genuine_pairs: int
    points: tuple[Point, ...]  # rising similarity

    def rate_at_most(self, strangers: int) -> float:
        """Clopper-Pearson: the false match rate is below this with 95 % confidence (3/n where none was seen)."""
        return float(betaincinv(strangers + 1, self.impostor_pairs - strangers, CONFIDENCE))

    @property
    def largest_supported(self) -> int:
        """Faces times probes up to which a certain band exists at all."""
        return int(EXPECTED_STRANGERS_CERTAIN / self.rate_at_most(0))


def thresholds(calibration: Calibration | None, *, pack: str, index_size: int, probes: int) -> Thresholds:
    if calibration is None:
        basis = "This pack has no calibration: nothing is certain, and the probable band is a cautious guess."
        return Thresholds(None, UNCALIBRATED_PROBABLE, pack, index_size, basis)
    comparisons = max(1, index_size * probes)
    certain = lowest(calibration, comparisons, EXPECTED_STRANGERS_CERTAIN)
    probable = lowest(calibration, comparisons, EXPECTED_STRANGERS_PROBABLE) or 1.0
    probable = max(probable, losing_little(calibration))
    if certain is not None:
        probable = min(probable, certain)
    return Thresholds(certain, probable, pack, index_size, explain(calibration, certain, comparisons))


def lowest(calibration: Calibration, comparisons: int, strangers: float) -> float | None:
    """The lowest similarity at which no more than so many strangers are expected, at 95 % confidence."""
    for point in calibration.points:
        if calibration.rate_at_most(point.strangers) * comparisons <= strangers:
            return point.similarity
    return None


def losing_little(calibration: Calibration) -> float:
    allowed = calibration.genuine_pairs * GENUINE_LOST
    return max(point.similarity for point in calibration.points if point.lost <= allowed)


def explain(calibration: Calibration, certain: float | None, comparisons: int) -> str:
    measured = f"{calibration.impostor_pairs:,} pairs of different people and {calibration.genuine_pairs:,} of the same"
    if certain is None:
        return (
            f"Measured on {measured}; {comparisons:,} comparisons are more than the"
            f" {calibration.largest_supported:,} that data supports, so nothing is certain."
        )
    return (
        f"Measured on {measured}: from {certain:.3f} on, at most {EXPECTED_STRANGERS_CERTAIN:g} false"
        f" matches are expected in {comparisons:,} comparisons (95 % confidence)."
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
