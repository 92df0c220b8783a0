"""Bands from measured pairs of faces: how a pack is measured, and what its measurements support."""

from matching.calibration.bands import (
    UNCALIBRATED_PROBABLE,
    Calibration,
    band_of,
    calibration_for,
    operator_folder,
    threshold_at_target_fnmr,
    threshold_for,
    threshold_without_false_matches,
    thresholds,
)
from matching.calibration.files import Measurement, TooFewPairs, calibration_from, held_out_report
from matching.calibration.files import write as write_calibration
from matching.calibration.labels import FORMAT as LABELS_FORMAT
from matching.calibration.labels import Photo as LabelledPhoto
from matching.calibration.labels import excluded as read_exclusions
from matching.calibration.labels import kin as read_kin
from matching.calibration.labels import read as read_labels
from matching.calibration.pair_scores import LabelledFaces, labelled_faces, same_picture_of_two_people, score_pairs

__all__ = [
    "LABELS_FORMAT",
    "UNCALIBRATED_PROBABLE",
    "Calibration",
    "LabelledFaces",
    "LabelledPhoto",
    "Measurement",
    "TooFewPairs",
    "band_of",
    "calibration_for",
    "calibration_from",
    "held_out_report",
    "labelled_faces",
    "operator_folder",
    "read_exclusions",
    "read_kin",
    "read_labels",
    "same_picture_of_two_people",
    "score_pairs",
    "threshold_at_target_fnmr",
    "threshold_for",
    "threshold_without_false_matches",
    "thresholds",
    "write_calibration",
]
