"""Who is compared with whom, and that people are counted rather than their photos."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.calibration import pair_scores
from matching.calibration.pair_scores import EDGES, labelled_faces, score_pairs
from tests.matching import builders
from tests.matching.people import faces_of, photo


def test_it_compares_whom_the_labels_tell_apart() -> None:
    found = [
        (photo(2, "anna", "one"), faces_of(1, 1)),
        (photo(3, "anna", "one"), faces_of(1, 2)),  # and somebody beside her
        (photo(4, "ben", "one"), faces_of(2, 1)),
        (photo(5, "", "one"), faces_of(3, 1)),  # may be anybody of that group
        (photo(6, "", "two"), faces_of(4, 1)),
    ]
    measured = score_pairs(labelled_faces(found))
    assert (measured.faces, measured.people) == (6, 5)
    assert measured.genuine.sum() == 1
    # anna (2) × ben, anna's second × her neighbour, and the face of the other group × the five others.
    assert measured.impostor.sum() == 2 + 1 + 5
    assert measured.people_pairs.sum() == 1 + 1 + 4


def test_a_collage_says_nothing_about_its_own_faces() -> None:
    found = [(photo(2, "", "collage-1"), faces_of(1, 3)), (photo(3, "", "other"), faces_of(2, 1))]
    assert score_pairs(labelled_faces(found)).impostor.sum() == 3


def test_nobody_is_a_stranger_across_sets_or_within_a_family() -> None:
    """One person may have a name in each set; and whole families are left out, also where nobody says who is whose."""
    found = [
        (replace(photo(nth, name), set=given, family=family), faces_of(nth, 1))
        for nth, (name, given, family) in enumerate(
            [("anna", "x", ""), ("ben", "x", "b"), ("bea", "x", "b"), ("anne", "y", ""), ("bert", "y", "b")]
        )
    ]
    measured = score_pairs(labelled_faces(found))
    assert measured.people_pairs.sum() == 2 + 1  # anna with ben and bea; anne with bert
    assert measured.people == 5


def test_relatives_that_are_named_are_counted_apart() -> None:
    found = [(photo(nth, name), faces_of(nth, 1)) for nth, name in enumerate(["anna", "", "ben", "ben", "cleo"])]
    kin = {frozenset(pair) for pair in (("ben", "anna"), ("ben", "somebody else"))}
    measured = score_pairs(labelled_faces(found, kin))
    assert measured.people_pairs.sum() == 2  # cleo with anna and with ben
    assert measured.relatives.sum() == 1
    sister, brother = faces_of(0, 1), np.concatenate([faces_of(2, 1), faces_of(3, 1)])
    alike = float((sister @ brother.T).max())
    assert EDGES[measured.relatives.nonzero()[0].item()] == pytest.approx(alike, abs=0.001)


def test_who_was_compared_with_nobody_is_not_counted() -> None:
    found = [(replace(photo(nth, name), set=name[0]), faces_of(nth, 1)) for nth, name in enumerate(["xa", "xb", "y"])]
    measured = score_pairs(labelled_faces(found))
    assert (measured.faces, measured.people) == (2, 2)


def test_a_pair_of_people_counts_once_by_its_most_alike_faces() -> None:
    found = [(photo(nth, name), faces_of(nth, 1)) for nth, name in enumerate("aaaabbbb")]
    rows = np.concatenate([row for _photo, row in found])
    measured = score_pairs(labelled_faces(found))
    across = (rows[:4] @ rows[4:].T).max()
    assert measured.impostor.sum() == 16
    assert measured.people_pairs.sum() == 1
    assert EDGES[measured.people_pairs.nonzero()[0].item()] == pytest.approx(across, abs=0.001)


@settings(max_examples=25, deadline=None)
@given(counts=st.lists(st.integers(1, 5), min_size=2, max_size=8), block=st.integers(1, 40))
def test_the_size_of_the_blocks_changes_nothing(counts: list[int], block: int) -> None:
    found = [
        (photo(10 * person + nth, str(person)), row[np.newaxis])
        for person, count in enumerate(counts)
        for nth, row in enumerate(faces_of(person, count))
    ]
    whole = score_pairs(labelled_faces(found))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pair_scores, "FACES_PER_BLOCK", block)
        in_blocks = score_pairs(labelled_faces(found))
    for counted in ("genuine", "impostor", "people_pairs"):
        assert np.array_equal(getattr(whole, counted), getattr(in_blocks, counted))
    assert whole.design_effect == pytest.approx(in_blocks.design_effect)


def test_bins_count_what_is_at_or_above_exactly() -> None:
    values = np.array([-1.2, -1, 0, 0.4999, 0.5, 0.5001, 1, 1.0000001], np.float32)
    seen = pair_scores.at_or_above(pair_scores.binned(values))
    assert seen[EDGES == -1] == 8
    assert seen[EDGES == 0.5] == 4
    assert seen[EDGES == 1] == 2


def test_people_that_resemble_everyone_widen_the_estimate() -> None:
    """A few who are near to all others: as many false matches, from far fewer people."""
    (middle,) = builders.unit_rows(1, seed=999, dim=64)
    crowd = [builders.near(middle, 0.6, seed=nth) for nth in range(120)]
    hubs = [builders.near(middle, 0.99, seed=1000 + nth) for nth in range(4)]
    plain, with_hubs = (
        score_pairs(labelled_faces([(photo(nth, str(nth)), row[np.newaxis]) for nth, row in enumerate(rows)]))
        for rows in (crowd, [*crowd, *hubs])
    )
    assert with_hubs.design_effect > 3 * plain.design_effect
