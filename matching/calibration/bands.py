"""Bands: from measured pairs and the size of the index to the lowest similarity of each band."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from matching.errors import PackError
from matching.types import Band, Thresholds

SHIPPED = Path(__file__).with_name("shipped")
EXPECTED_STRANGERS_CERTAIN = 0.01  # a case: all probes, whole index
EXPECTED_STRANGERS_PROBABLE = 20.0  # a case: what staff can look through at most
EXPECTED_STRANGERS_FREE = 0.1  # a case: so few that looking further down costs nobody anything
GENUINE_LOST = 0.01
# Without measurements nothing is certain; this is where InsightFace's recognisers stop resembling at all.
UNCALIBRATED_PROBABLE = 0.35


@dataclass(frozen=True)
class Point:
    similarity: float
    strangers: int  # pairs of different people at or above, each pair by its most alike faces
    rate_at_most: float  # of false matches: Clopper-Pearson's upper bound, one-sided, 95 %
    lost: int  # pairs of faces of one person below


@dataclass(frozen=True)
class Calibration:
    pack: str
    recogniser_sha256: str
    how: str
    measured_on: str  # ISO date
    photos: int
    faces: int
    people: int
    people_pairs: int
    impostor_pairs: int
    genuine_pairs: int
    design_effect: float
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
    """Down to where few genuine pairs are lost, further where that is free, not past what staff can look through.

    That cap ends where the data does. In an index so large that even no stranger seen does not vouch for it, from the
    first similarity at which none was measured, because missing a face is worse than looking at one too many; how many
    that may be at most is in the basis that staff read.
    """
    cap = lowest(calibration, comparisons, EXPECTED_STRANGERS_PROBABLE)
    if cap is None:
        cap = clear_of_strangers(calibration)
    free = lowest(calibration, comparisons, EXPECTED_STRANGERS_FREE)
    wanted = losing_little(calibration)
    return max(cap, wanted if free is None else min(wanted, free))


def clear_of_strangers(calibration: Calibration) -> float:
    """The first similarity at which no stranger was measured.

    Where one was at every similarity, one picture was given to two people: then where none but such were measured.
    """
    fewest = min(point.strangers for point in calibration.points)
    return next(point.similarity for point in calibration.points if point.strangers == fewest)


def guard(calibration: Calibration | None) -> float:
    """How near two faces of one person are at least, but for one pair in a hundred."""
    return UNCALIBRATED_PROBABLE if calibration is None else losing_little(calibration)


def losing_little(calibration: Calibration) -> float:
    """The similarity below which lie at most a hundredth of the pairs of one person."""
    allowed = calibration.genuine_pairs * GENUINE_LOST
    return max(point.similarity for point in calibration.points if point.lost <= allowed)


def lost_share(calibration: Calibration, similarity: float) -> float:
    lost = max((point.lost for point in calibration.points if point.similarity <= similarity), default=0)
    return lost / calibration.genuine_pairs


def strangers_at_most(calibration: Calibration, similarity: float) -> float:
    """The rate of false matches at a similarity, at 95 % confidence."""
    at = [point.rate_at_most for point in calibration.points if point.similarity <= similarity]
    return at[-1] if at else 1.0


def explain(calibration: Calibration, *, certain: float | None, probable: float, comparisons: int) -> str:
    strangers = to_two_digits(strangers_at_most(calibration, probable) * comparisons)
    measured = (
        f"Measured on {calibration.people_pairs:,} pairs of different people and"
        f" {calibration.genuine_pairs:,} pairs of photos of the same. {lost_share(calibration, probable):.1%} of"
        f" the latter are less alike than {probable:.3f}; from there on at most {strangers} strangers are"
        f" expected in {comparisons:,} comparisons"
    )
    confidence = "(95 % confidence, as if no two pairs shared a person)"
    if certain is None:
        return (
            f"{measured} {confidence}. That is more comparisons than the {calibration.largest_supported:,}"
            " this supports, so nothing is certain."
        )
    return f"{measured}, and {EXPECTED_STRANGERS_CERTAIN:g} from {certain:.3f} on {confidence}."


def to_two_digits(strangers: float) -> str:
    """More would claim more than was measured."""
    return f"{float(f'{strangers:.2g}'):,.10g}"


def band(similarity: float, limits: Thresholds) -> Band:
    certain = limits.certain is not None and similarity >= limits.certain
    return Band.CERTAIN if certain else Band.PROBABLE


def own_folder() -> Path | None:
    """Where the operator keeps what they measured; it goes before what is shipped."""
    folder = str(settings.MATCHING.get("CALIBRATIONS", ""))
    return Path(folder) if folder else None


def for_recogniser(sha256: str) -> Calibration | None:
    """The newest of the operator's own for exactly this model file, else the shipped one. Errors: PackError."""
    for folder in (own_folder(), SHIPPED):
        fitting = [found for found in kept_in(folder) if found.recogniser_sha256 == sha256]
        if fitting:
            return max(fitting, key=lambda found: found.measured_on)
    return None


def kept_in(folder: Path | None) -> Iterator[Calibration]:
    for path in sorted(folder.glob("*.json")) if folder else ():
        # A new measurement counts from the next search on, in every process.
        yield parsed(path, path.stat().st_mtime_ns)


@cache
def parsed(path: Path, _changed_at: int) -> Calibration:
    try:
        return read(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        raise PackError(f"The calibration {path.name} cannot be read: take it out of its folder.") from None


def read(content: dict[str, Any]) -> Calibration:
    points = tuple(Point(*row) for row in content["points"])
    found = Calibration(**{field.name: content[field.name] for field in fields(Calibration)} | {"points": points})
    if not found.points or not found.genuine_pairs:
        raise ValueError("a calibration without measurements")
    return found
