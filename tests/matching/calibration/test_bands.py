"""Certain is what the measurements support for an index of this size, and nothing where they do not."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import service
from matching.calibration import bands
from matching.calibration.bands import Calibration, thresholds
from matching.types import Band

SHIPPED = list(bands.calibrations_in(bands.SHIPPED))
EACH = pytest.mark.parametrize("calibration", SHIPPED, ids=lambda each: each.pack)


@EACH
def test_a_small_index_has_a_certain_band(calibration: Calibration) -> None:
    found = thresholds(calibration, pack=calibration.pack, index_size=50, probes=1)
    assert found.certain is not None
    assert found.probable < found.certain
    assert "95 % confidence" in found.basis


@EACH
def test_more_than_the_data_supports_has_none(calibration: Calibration) -> None:
    supported = calibration.largest_supported_comparisons
    at, beyond = (
        thresholds(calibration, pack=calibration.pack, index_size=size, probes=1) for size in (supported, supported + 1)
    )
    assert at.certain is not None
    assert beyond.certain is None
    assert f"up to {supported:,} comparisons, so nothing is certain" in beyond.basis


@EACH
@given(size=st.integers(1, 10**9), probes=st.integers(1, 50))
def test_the_certain_band_keeps_its_promise(calibration: Calibration, size: int, probes: int) -> None:
    found = thresholds(calibration, pack=calibration.pack, index_size=size, probes=probes)
    assert 0 < found.probable <= (found.certain or 1)
    if found.certain is not None:
        rate = next(point.fmr_upper_bound for point in calibration.points if point.similarity == found.certain)
        assert rate * size * probes <= 0.01


@EACH
def test_it_says_how_many_false_positives_staff_may_see(calibration: Calibration) -> None:
    """Capped as long as the data can vouch for a cap; beyond, it says so in numbers."""
    within, beyond = (
        thresholds(calibration, pack=calibration.pack, index_size=size, probes=1) for size in (1_000, 10**9)
    )
    for found, size in ((within, 1_000), (beyond, 10**9)):
        expected = bands.fmr_upper_bound_at(calibration, found.probable) * size
        told = re.search(r"at most ([\d,.]+) false positives are expected in ([\d,]+) comparisons", found.basis)
        assert told is not None
        assert float(told[1].replace(",", "")) == pytest.approx(expected, rel=0.05)
        assert told[2] == f"{size:,}"
    assert bands.fmr_upper_bound_at(calibration, within.probable) * 1_000 <= 20
    assert bands.fmr_upper_bound_at(calibration, beyond.probable) * 10**9 > 100


@EACH
def test_rates_are_no_lower_than_what_was_seen(calibration: Calibration) -> None:
    for point in calibration.points:
        assert point.fmr_upper_bound > point.false_matches / calibration.people_pairs
        assert point.fmr_upper_bound >= 2.99 / calibration.people_pairs


def test_a_larger_index_is_never_less_strict() -> None:
    for calibration in SHIPPED:
        certain = [thresholds(calibration, pack="", index_size=size, probes=1).certain or 1 for size in range(1, 200)]
        assert certain == sorted(certain)


def test_an_unmeasured_pack_is_never_certain() -> None:
    found = thresholds(None, pack="new", index_size=1, probes=1)
    assert found.certain is None
    assert "no calibration" in found.basis
    assert bands.band_of(1.0, found) is Band.PROBABLE


def test_a_match_at_the_threshold_is_certain() -> None:
    found = replace(thresholds(None, pack="", index_size=1, probes=1), certain=0.9)
    assert bands.band_of(0.9, found) is Band.CERTAIN
    assert bands.band_of(0.8999, found) is Band.PROBABLE


def test_the_default_pack_is_measured_and_free() -> None:
    pack = service.pack()
    assert pack.commercial
    assert pack.calibration in {each.pack for each in SHIPPED}
