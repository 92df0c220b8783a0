"""Bands from measured pairs of faces: how a pack is measured, and what its measurements support."""

from matching.calibration.bands import (
    UNCALIBRATED_PROBABLE,
    Calibration,
    band,
    clear_of_strangers,
    for_recogniser,
    guard,
    losing_little,
    lowest,
    own_folder,
    thresholds,
)
from matching.calibration.files import Source, TooLittle, calibration_of, judged
from matching.calibration.files import write as write_calibration
from matching.calibration.labels import FORMAT as LABELS_FORMAT
from matching.calibration.labels import BadLabels
from matching.calibration.labels import Photo as LabelledPhoto
from matching.calibration.labels import excluded as read_exclusions
from matching.calibration.labels import kin as read_kin
from matching.calibration.labels import read as read_labels
from matching.calibration.pair_scores import LabelledFaces, gather, given_to_two, separate

__all__ = [
    "LABELS_FORMAT",
    "UNCALIBRATED_PROBABLE",
    "BadLabels",
    "Calibration",
    "LabelledFaces",
    "LabelledPhoto",
    "Source",
    "TooLittle",
    "band",
    "calibration_of",
    "clear_of_strangers",
    "for_recogniser",
    "gather",
    "given_to_two",
    "guard",
    "judged",
    "losing_little",
    "lowest",
    "own_folder",
    "read_exclusions",
    "read_kin",
    "read_labels",
    "separate",
    "thresholds",
    "write_calibration",
]
