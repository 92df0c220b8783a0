"""A confirmed match leads on to further photos of the same person, and not to whoever resembles them."""

from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from matching import index, service
from matching.calibration import bands, files
from matching.calibration.bands import Calibration, Point
from matching.faces import packs, vectors
from matching.search import exact_search, expansion
from matching.types import Band, Embeddings, ExpansionBasis, SearchResult
from tests.matching import builders
from tests.matching.builders import placed, unit_rows

pytestmark = pytest.mark.django_db

# So many faces that the cap on false positives holds: own probes reach down to 0.961, the target FNMR is at 0.938.
MANY = 200_000
(OWN,) = unit_rows(1, seed=5)
CONFIRMED = placed((OWN, 0.975), seed=6)


@pytest.fixture(autouse=True)
def calibration(settings: Any, tmp_path: Path) -> None:
    """Made up, so that these distances stay what they are whatever the shipped one was measured on."""
    points = (
        Point(0.93, 900, 0.05, 0),
        Point(0.938, 800, 0.04, 5),
        Point(0.961, 1, 0.00005, 100),
        Point(0.99, 0, 0.00001, 500),
    )
    strict = Calibration(
        "dlib", packs.chosen().recogniser_sha256, "Made up.", "2026-01-01", 9, 9, 9, 99, 99, 1000, 1, points
    )
    (tmp_path / "strict.json").write_text(files.as_json(strict))
    settings.MATCHING = {**settings.MATCHING, "CALIBRATIONS": str(tmp_path)}


def searched(*, expand_from: ExpansionBasis | None = None) -> SearchResult:
    with patch.object(exact_search, "index_size", return_value=MANY):
        return service.search(OWN[np.newaxis], expand_from=expand_from)


def face_of(image: UUID) -> int:
    (face,) = index.store().faces_of(image)
    return face


def confirmed(image: UUID, row: Embeddings = CONFIRMED) -> ExpansionBasis:
    return ExpansionBasis(confirmed=row[np.newaxis], confirmed_faces=(face_of(image),), confirmed_images=(image,))


def test_the_index_is_too_large_for_own_probes_alone() -> None:
    builders.make_image(unit_rows(1))
    limits = searched().thresholds
    assert limits.certain is None
    assert limits.probable > bands.threshold_at_target_fnmr(exact_search.calibration())


def test_a_confirmed_face_finds_what_own_probes_do_not_reach() -> None:
    first = builders.make_image(CONFIRMED[np.newaxis])
    further = builders.make_image(placed((OWN, 0.945), (CONFIRMED, 0.97))[np.newaxis])
    assert {match.image_id for match in searched().matches} == {first}
    result = searched(expand_from=confirmed(first))
    (new,) = (match for match in result.matches if match.image_id == further)
    assert (new.band, new.expanded) == (Band.PROBABLE, True)
    assert [match.expanded for match in result.matches if match.image_id == first] == [False]


def test_it_does_not_drift_to_who_is_near_the_confirmed_face_alone() -> None:
    first = builders.make_image(CONFIRMED[np.newaxis])
    builders.make_image(placed((OWN, 0.92), (CONFIRMED, 0.98))[np.newaxis])
    assert {match.image_id for match in searched(expand_from=confirmed(first)).matches} == {first}


def test_it_does_not_take_the_sibling_in_a_confirmed_photo_for_the_subject() -> None:
    sibling = placed((OWN, 0.9), (CONFIRMED, 0.93), seed=7)
    together = builders.make_image(np.stack([CONFIRMED, sibling]))
    face = min(index.store().faces_of(together))
    elsewhere = builders.make_image(placed((OWN, 0.94), (CONFIRMED, 0.965), (sibling, 0.98), seed=8)[np.newaxis])
    found = {
        match.image_id for match in searched(expand_from=ExpansionBasis(CONFIRMED[:0], CONFIRMED[np.newaxis])).matches
    }
    assert found == {together, elsewhere}
    known = ExpansionBasis(confirmed=CONFIRMED[np.newaxis], confirmed_faces=(face,), confirmed_images=(together,))
    assert {match.image_id for match in searched(expand_from=known).matches} == {together}


def test_it_does_not_take_whom_people_left_for_the_subject() -> None:
    first = builders.make_image(CONFIRMED[np.newaxis])
    lookalike = placed((OWN, 0.94), (CONFIRMED, 0.945), seed=9)
    left = builders.make_image(lookalike[np.newaxis])
    again = builders.make_image(placed((OWN, 0.945), (CONFIRMED, 0.962), (lookalike, 0.975), seed=10)[np.newaxis])
    assert again in {match.image_id for match in searched(expand_from=confirmed(first)).matches}
    known = confirmed(first)
    told = ExpansionBasis(
        confirmed=known.confirmed,
        confirmed_faces=known.confirmed_faces,
        confirmed_images=known.confirmed_images,
        rejected_faces=(face_of(left),),
    )
    assert again not in {match.image_id for match in searched(expand_from=told).matches}


def test_the_subject_twice_in_one_photo_is_nobody_else() -> None:
    twice = builders.make_image(np.stack([CONFIRMED, placed((OWN, 0.95), (CONFIRMED, 0.95), seed=11)]))
    further = builders.make_image(placed((OWN, 0.945), (CONFIRMED, 0.97), seed=12)[np.newaxis])
    known = ExpansionBasis(
        CONFIRMED[:0],
        CONFIRMED[np.newaxis],
        confirmed_faces=(min(index.store().faces_of(twice)),),
        confirmed_images=(twice,),
    )
    assert further in {match.image_id for match in searched(expand_from=known).matches}


def test_a_mirrored_photo_counts_as_the_subjects_own_but_makes_nothing_certain() -> None:
    mirrored = placed((OWN, 0.9), seed=13)
    image = builders.make_image(placed((OWN, 0.9), (mirrored, 0.97), seed=14)[np.newaxis])
    assert searched().matches == ()
    (found,) = searched(expand_from=ExpansionBasis(mirrored=mirrored[np.newaxis])).matches
    assert (found.image_id, found.band, found.expanded) == (image, Band.PROBABLE, False)
    (near,) = service.search(OWN[np.newaxis], expand_from=ExpansionBasis(mirrored=mirrored[np.newaxis])).matches
    assert near.band is Band.PROBABLE


def test_what_is_certain_leads_on_by_itself_and_stays_as_certain() -> None:
    certain = builders.make_image(OWN[np.newaxis])
    alone, on = service.search(OWN[np.newaxis]), service.search(OWN[np.newaxis], expand_from=ExpansionBasis())
    assert [match.band for match in on.matches if match.image_id == certain] == [Band.CERTAIN]
    assert alone.thresholds == on.thresholds


def test_a_face_erased_meanwhile_is_left_out() -> None:
    rows = unit_rows(3)
    faces = [face_of(builders.make_image(row[np.newaxis])) for row in rows]
    assert sorted(expansion.embeddings_of([*faces, 10**9])) == sorted(faces)


@effort(max_examples=50, deadline=None)
@given(count=st.integers(0, 60), seed=st.integers(0, 99))
def test_the_most_different_confirmed_faces_are_searched_with(count: int, seed: int) -> None:
    rows = unit_rows(count, seed=seed, dim=8) if count else np.zeros((0, 8), np.float32)
    beside = unit_rows(2, seed=seed + 1, dim=8)
    chosen = expansion.most_different(rows, beside=beside)
    assert len(chosen) == min(count, expansion.MAX_FURTHER_PROBES)
    assert len(np.unique(chosen, axis=0)) == len(chosen)
    if count > expansion.MAX_FURTHER_PROBES:
        assert (chosen[0] @ beside.T).max() == pytest.approx((rows @ beside.T).max(axis=1).min(), abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_accepted_below_the_target_fnmr_or_nearer_to_somebody_else(seed: int) -> None:
    rng = np.random.default_rng(seed)
    somebody = placed((OWN, 0.93), (CONFIRMED, 0.93), seed=seed)
    first = builders.make_image(np.stack([CONFIRMED, somebody]))
    mixes = rng.dirichlet([1, 1, 1], 300) @ np.stack([OWN, CONFIRMED, somebody])
    crowd = vectors.unit((mixes + rng.normal(0, 0.025, mixes.shape)).astype(np.float32))
    builders.make_image(crowd)
    known = ExpansionBasis(
        CONFIRMED[:0],
        CONFIRMED[np.newaxis],
        confirmed_faces=(min(index.store().faces_of(first)),),
        confirmed_images=(first,),
    )
    found = [match for match in searched(expand_from=known).matches if match.expanded]
    assert found
    for match in found:
        (row,) = index.store().embeddings([match.face_id])
        assert bands.threshold_at_target_fnmr(exact_search.calibration()) <= row @ OWN < searched().thresholds.probable
        assert max(row @ OWN, row @ CONFIRMED) >= row @ somebody - 1e-3
        assert match.band is Band.PROBABLE
