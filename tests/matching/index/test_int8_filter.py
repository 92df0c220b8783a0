"""Eight bits propose; nothing at or above the threshold is lost by it, and what is found is what doubles find."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from matching.index import int8_filter
from matching.types import Embeddings
from tests.matching import builders

Doubles = NDArray[np.float64]


def found(rows: "int8_filter.Halves | Embeddings", probes: Embeddings, at_least: float) -> dict[tuple[int, int], float]:
    asked = int8_filter.Int8Probes(probes, np.full(len(probes), at_least))
    return {
        (row, probe): similarity
        for pairs in asked.pairs(rows)
        for row, probe, similarity in zip(pairs.rows, pairs.probes, pairs.similarities, strict=True)
    }


def expected(
    rows: "int8_filter.Halves | Embeddings", probes: Embeddings, at_least: float
) -> dict[tuple[int, int], float]:
    similarities = rows.astype(np.float64) @ probes.astype(np.float64).T
    return {(row, probe): similarities[row, probe] for row, probe in np.argwhere(similarities >= at_least)}


def alike_people(dim: int, count: int, *, seed: int) -> Embeddings:
    """Rows that all share most of their direction, as dlib's do: strangers lie just below the threshold."""
    rows = builders.unit_rows(count, dim=dim, seed=seed) + 2 * builders.unit_rows(1, dim=dim, seed=seed + 1)
    shared: Embeddings = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return shared


def spiky(dim: int, count: int, *, seed: int) -> Embeddings:
    """One number that is nearly all of the row: the scale of the others, and so their rounding, is the coarsest."""
    rows = builders.unit_rows(count, dim=dim, seed=seed) * 0.02
    rows[:, 0] = 1
    unit: Embeddings = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def signs(dim: int, count: int, *, seed: int) -> Embeddings:
    """Every number at the limit of its bits, and of one sign: the greatest sums there are."""
    del seed
    rows: Embeddings = np.ones((count, dim), np.float32) / np.sqrt(dim, dtype=np.float32)
    rows[1::2] *= -1
    return rows


KINDS: dict[str, Callable[..., Embeddings]] = {
    "strangers": builders.unit_rows,
    "alike": alike_people,
    "spiky": spiky,
    "signs": signs,
}


@pytest.mark.parametrize("halves", [True, False])
@pytest.mark.parametrize("dim", [3, 128, 512])
@pytest.mark.parametrize("kind", KINDS)
def test_it_finds_what_every_pair_in_doubles_finds(kind: str, dim: int, halves: bool) -> None:
    made = KINDS[kind](count=1300, dim=dim, seed=5)
    probes = np.concatenate([KINDS[kind](count=17, dim=dim, seed=8), made[[0, 700, 1299]]])
    if halves:
        probes = probes.astype(np.float16).astype(np.float32)
    rows = made.astype(np.float16) if halves else made
    ordered = np.sort((rows.astype(np.float64) @ probes.astype(np.float64).T).ravel())
    # A pair's own similarity, which a bound that was rounded up would lose; of singles it is known to some bits only.
    below = 0.0 if halves else 1e-9
    for at_least in (float(ordered[0]) - 1, float(ordered[len(ordered) // 2]) - below, float(ordered[-40]) - below):
        pairs, every = found(rows, probes, at_least), expected(rows, probes, at_least)
        assert pairs.keys() == every.keys()
        assert len(every) >= 40
        assert all(pairs[pair] == pytest.approx(similarity, abs=1e-12) for pair, similarity in every.items())


def test_rounding_hides_pairs_that_only_the_bound_brings_back() -> None:
    """Or a bound of nothing would pass the test above."""
    rows = builders.unit_rows(int8_filter.TILE, dim=512, seed=1).astype(np.float16)
    probes = builders.unit_rows(64, dim=512, seed=2).astype(np.float16).astype(np.float32)
    similarities = rows.astype(np.float64) @ probes.astype(np.float64).T
    at_least = np.quantile(similarities, 0.9)
    rounded = np.rint(rows.astype(np.float64) / (int8_filter.largest_magnitude(rows) / int8_filter.ROW_LIMIT)) * (
        int8_filter.largest_magnitude(rows) / int8_filter.ROW_LIMIT
    )
    hidden = (similarities >= at_least) & (rounded @ probes.T < at_least)
    assert hidden.sum() > 50
    near = int8_filter.Int8Probes(probes, np.full(64, at_least)).propose(rows)
    assert near[hidden].all()


def test_most_strangers_are_not_even_proposed() -> None:
    """Or proposing everything would pass."""
    rows = builders.unit_rows(int8_filter.TILE, dim=512, seed=1).astype(np.float16)
    probes = builders.unit_rows(64, dim=512, seed=2)
    assert int8_filter.Int8Probes(probes, np.full(64, 0.3)).propose(rows).sum() < 5


def broken() -> Iterator[tuple[str, Embeddings]]:
    rows = builders.unit_rows(6, seed=3)
    rows[2] = np.nan
    yield "no number", rows
    rows = builders.unit_rows(6, seed=3)
    rows[2, 7] = np.inf
    yield "infinite", rows
    rows = builders.unit_rows(6, seed=3)
    rows[2] = 0
    yield "nothing", rows


@pytest.mark.filterwarnings("ignore:invalid value encountered")
@pytest.mark.parametrize(("name", "rows"), list(broken()))
@pytest.mark.parametrize("halves", [True, False])
def test_a_row_that_is_no_face_hides_no_other(name: str, rows: Embeddings, halves: bool) -> None:
    whole = builders.unit_rows(6, seed=3)
    kept = {0, 1, 3, 4, 5}
    listed = rows.astype(np.float16) if halves else rows
    assert {row for row, probe in found(listed, whole, 0.9) if row == probe} >= kept
    assert {probe for row, probe in found(whole, rows, 0.9) if row == probe} >= kept


def test_nothing_is_near_where_there_is_nothing() -> None:
    rows, none = builders.unit_rows(2), np.zeros((0, 128), np.float32)
    assert found(none, rows, -1) == {}
    assert found(rows, none, -1) == {}
