"""The bands: what a calibration and the size of the index say about the lowest similarity of each."""

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
# Expected false positives of one case: all its probes against the whole index.
EXPECTED_FALSE_POSITIVES_CERTAIN = 0.01
EXPECTED_FALSE_POSITIVES_PROBABLE = 20.0  # as many as staff can look through
EXPECTED_FALSE_POSITIVES_FREE = 0.1  # so few that a lower threshold costs staff nothing
TARGET_FNMR = 0.01
# The probable band of a pack without a calibration. Below it, InsightFace's recognisers see no resemblance.
UNCALIBRATED_PROBABLE = 0.35
# Calibration files from before the field's words were used name some fields differently.
FORMER_FIELDS = {"how": "method"}


@dataclass(frozen=True)
class Point:
    """What was measured at one similarity, used as a threshold."""

    similarity: float
    false_matches: int  # pairs of different people at or above, each pair by its most similar faces
    fmr_upper_bound: float  # Clopper and Pearson, one-sided, 95 %
    false_non_matches: int  # genuine pairs below


@dataclass(frozen=True)
class Calibration:
    pack: str
    recogniser_sha256: str
    method: str  # where the photos came from and which pairs were compared, as a sentence
    measured_on: str  # ISO date
    photos: int
    faces: int
    people: int
    people_pairs: int  # pairs of different people; false matches are counted among these
    impostor_pairs: int  # pairs of faces of different people
    genuine_pairs: int  # pairs of faces of one person
    design_effect: float
    points: tuple[Point, ...]  # rising similarity

    @property
    def largest_supported_comparisons(self) -> int:
        """Faces times probes up to which there is a certain band at all."""
        return int(EXPECTED_FALSE_POSITIVES_CERTAIN / min(point.fmr_upper_bound for point in self.points))


def thresholds(calibration: Calibration | None, *, pack: str, index_size: int, probes: int) -> Thresholds:
    """The lowest similarity of each band for one case; without a calibration nothing is certain."""
    if calibration is None:
        basis = "This pack has no calibration: nothing is certain, and the probable band is a cautious guess."
        return Thresholds(None, UNCALIBRATED_PROBABLE, pack, index_size, basis)
    comparisons = max(1, index_size * probes)
    certain = threshold_for(
        calibration, comparisons=comparisons, expected_false_positives=EXPECTED_FALSE_POSITIVES_CERTAIN
    )
    probable = probable_threshold(calibration, comparisons)
    if certain is not None:
        probable = min(probable, certain)
    basis = explain(calibration, certain=certain, probable=probable, comparisons=comparisons)
    return Thresholds(certain, probable, pack, index_size, basis)


def threshold_for(calibration: Calibration, *, comparisons: int, expected_false_positives: float) -> float | None:
    """The lowest similarity at which at most so many false positives are expected, at 95 % confidence.

    None where the calibration is too small to support such a claim for so many comparisons.
    """
    for point in calibration.points:
        if point.fmr_upper_bound * comparisons <= expected_false_positives:
            return point.similarity
    return None


def probable_threshold(calibration: Calibration, comparisons: int) -> float:
    """Where the probable band begins: at the target FNMR, or lower where that costs staff nothing.

    It never begins below the similarity at which staff would have more false positives than they can look through. In
    an index so large that the calibration cannot support that cap, the cap is the first similarity without a measured
    false match, because missing a face is worse than looking at one too many. How many false positives that may bring
    is in the basis that staff read.
    """
    cap = threshold_for(
        calibration, comparisons=comparisons, expected_false_positives=EXPECTED_FALSE_POSITIVES_PROBABLE
    )
    if cap is None:
        cap = threshold_without_false_matches(calibration)
    free = threshold_for(calibration, comparisons=comparisons, expected_false_positives=EXPECTED_FALSE_POSITIVES_FREE)
    wanted = threshold_at_target_fnmr(calibration)
    return max(cap, wanted if free is None else min(wanted, free))


def threshold_without_false_matches(calibration: Calibration) -> float:
    """The first similarity at which no false match was measured.

    Where there is a false match at every similarity, one picture was labelled as two people. Then this is the first
    similarity at which only such pairs are left.
    """
    fewest = min(point.false_matches for point in calibration.points)
    return next(point.similarity for point in calibration.points if point.false_matches == fewest)


def threshold_at_target_fnmr(calibration: Calibration | None) -> float:
    """Similarity that 99 % of genuine pairs reach (FNMR 1 %). Without a calibration: UNCALIBRATED_PROBABLE."""
    if calibration is None:
        return UNCALIBRATED_PROBABLE
    allowed = calibration.genuine_pairs * TARGET_FNMR
    return max(point.similarity for point in calibration.points if point.false_non_matches <= allowed)


def fnmr_at(calibration: Calibration, similarity: float) -> float:
    """The share of genuine pairs below this similarity."""
    below = (point.false_non_matches for point in calibration.points if point.similarity <= similarity)
    return max(below, default=0) / calibration.genuine_pairs


def fmr_upper_bound_at(calibration: Calibration, similarity: float) -> float:
    """The upper bound of the FMR at this similarity, at 95 % confidence."""
    at = [point.fmr_upper_bound for point in calibration.points if point.similarity <= similarity]
    return at[-1] if at else 1.0


def explain(calibration: Calibration, *, certain: float | None, probable: float, comparisons: int) -> str:
    """The basis of the thresholds, for staff to read."""
    false_positives = two_significant_digits(fmr_upper_bound_at(calibration, probable) * comparisons)
    measured = (
        f"Measured on {calibration.people_pairs:,} pairs of different people and"
        f" {calibration.genuine_pairs:,} genuine pairs (two photos of one person). {fnmr_at(calibration, probable):.1%}"
        f" of the genuine pairs are below {probable:.3f} (FNMR); from there on at most {false_positives} false"
        f" positives are expected in {comparisons:,} comparisons"
    )
    confidence = "(95 % confidence, as if no two pairs shared a person)"
    if certain is None:
        return (
            f"{measured} {confidence}. The calibration supports a certain band up to"
            f" {calibration.largest_supported_comparisons:,} comparisons, so nothing is certain."
        )
    return f"{measured}, and {EXPECTED_FALSE_POSITIVES_CERTAIN:g} from {certain:.3f} on {confidence}."


def two_significant_digits(count: float) -> str:
    """More digits would claim more than was measured."""
    return f"{float(f'{count:.2g}'):,.10g}"


def band_of(similarity: float, limits: Thresholds) -> Band:
    """Of a similarity at or above the probable threshold."""
    certain = limits.certain is not None and similarity >= limits.certain
    return Band.CERTAIN if certain else Band.PROBABLE


def operator_folder() -> Path | None:
    """The folder of the operator's own calibrations, preferred to the shipped ones. None where none is set."""
    folder = str(settings.MATCHING.get("CALIBRATIONS", ""))
    return Path(folder) if folder else None


def calibration_for(sha256: str) -> Calibration | None:
    """The operator's newest calibration of exactly this model file, else the shipped one; None where neither exists.

    Errors: PackError, where a calibration file cannot be read.
    """
    for folder in (operator_folder(), SHIPPED):
        fitting = [found for found in calibrations_in(folder) if found.recogniser_sha256 == sha256]
        if fitting:
            return max(fitting, key=lambda found: found.measured_on)
    return None


def calibrations_in(folder: Path | None) -> Iterator[Calibration]:
    for path in sorted(folder.glob("*.json")) if folder else ():
        # The time of the last change is part of the key, so every process uses a new measurement from its next search.
        yield read_file(path, path.stat().st_mtime_ns)


@cache
def read_file(path: Path, _changed_at: int) -> Calibration:
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        raise PackError(f"The calibration {path.name} cannot be read: take it out of its folder.") from None


def parse(content: dict[str, Any]) -> Calibration:
    content = {FORMER_FIELDS.get(name, name): value for name, value in content.items()}
    points = tuple(Point(*row) for row in content["points"])
    found = Calibration(**{field.name: content[field.name] for field in fields(Calibration)} | {"points": points})
    if not found.points or not found.genuine_pairs:
        raise ValueError("This calibration holds no measurements.")
    return found
