"""All probes against all faces, in one pass over blocks of stored embeddings."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from matching.index import exact
from matching.index.base import Hit
from matching.types import Embeddings

BLOCK = 8192  # faces multiplied at a time
TILE = 128  # faces widened at a time: what stays in a core's own cache
AHEAD = 2  # blocks read while one is multiplied

EXPONENTS = np.float32(2.0**112)  # between the exponent's zero in a half and in a single
SIGN_AND_SIZE = np.int32(-0x70002000)  # the bits of a half, once it lies at the top of a single's


@dataclass(frozen=True)
class Block:
    face_ids: NDArray[np.int64]  # (n,)
    halves: NDArray[np.int16]  # (n, dim): the bits of IEEE half-precision numbers


@dataclass(frozen=True)
class Found:
    """Pairs that are similar enough, in no order; a face may come once for each probe."""

    probes: NDArray[np.intp]  # (n,) rows of the probes
    face_ids: NDArray[np.int64]  # (n,)
    similarities: NDArray[np.float64]  # (n,)

    def rows(self, owners: NDArray[np.intp]) -> Iterator[tuple[int, int, float]]:
        """Whose probe, which face, how similar."""
        columns = owners[self.probes], self.face_ids, self.similarities
        return zip(*(column.tolist() for column in columns), strict=True)


def swept(
    groups: Sequence[Embeddings],
    at_least: Sequence[float],
    *,
    read: Callable[[int], Generator[Block]],
    images_of: Callable[[Sequence[int]], dict[int, UUID]],
) -> list[list[Hit]]:
    """What an index's `sweep` gives, where it can read its embeddings, of that dimension, in blocks.

    A face that was deleted while the pass went on has no image any more and is left out.
    """
    owners = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    if not len(owners):
        return [[] for _ in groups]
    probes = exact.halved(np.concatenate([group for group in groups if len(group)]))
    best: list[dict[int, float]] = [{} for _ in groups]
    for found in sweep(read_ahead(read(probes.shape[1])), probes, np.asarray(at_least, np.float64)[owners]):
        for owner, face_id, similarity in found.rows(owners):
            best[owner][face_id] = max(similarity, best[owner].get(face_id, similarity))
    images = images_of(list(set().union(*best)))
    return [
        exact.in_order([Hit(face, images[face], similarity) for face, similarity in faces.items() if face in images])
        for faces in best
    ]


def sweep(blocks: Iterable[Block], probes: Embeddings, at_least: NDArray[np.float64]) -> Iterator[Found]:
    """`at_least` has a threshold for each probe. Probes are halves already (`exact.halved`)."""
    floors = (at_least - exact.slack(probes.shape[1])).astype(np.float32)[:, None]
    floors = np.nextafter(floors, np.float32(-2))  # a bound that was rounded up would lose pairs
    rows = np.empty((BLOCK, probes.shape[1]), np.float32)
    products = np.empty(len(probes) * BLOCK, np.float32)
    for block in blocks:
        count = len(block.face_ids)
        near = products[: len(probes) * count].reshape(len(probes), count)
        np.matmul(probes, widened(block.halves, rows[:count]).T, out=near)
        proposed = near >= floors
        if proposed.any():
            yield decided(block, rows, probes, at_least, *np.nonzero(proposed))


def decided(
    block: Block,
    rows: Embeddings,
    probes: Embeddings,
    at_least: NDArray[np.float64],
    which: NDArray[np.intp],
    faces: NDArray[np.intp],
) -> Found:
    """Proposed pairs, compared exactly."""
    products = np.einsum("nd,nd->n", rows[faces], probes[which], dtype=np.float64)
    near = products >= at_least[which]
    return Found(which[near], block.face_ids[faces[near]], products[near])


def widened(halves: NDArray[np.int16], out: Embeddings) -> Embeddings:
    """Halves as singles, four times as fast as NumPy's cast: moved into place as integers, then scaled.

    Exact for every finite half, the subnormal ones too.
    """
    bits = out.view(np.int32)
    for start in range(0, len(halves), TILE):
        tile = slice(start, start + TILE)
        bits[tile] = halves[tile]
        np.left_shift(bits[tile], 13, out=bits[tile])
        np.bitwise_and(bits[tile], SIGN_AND_SIZE, out=bits[tile])
        np.multiply(out[tile], EXPONENTS, out=out[tile])
    return out


def read_ahead(blocks: Generator[Block]) -> Generator[Block]:
    """The same blocks, read in a thread of their own while others are worked on."""
    with closing(blocks), ThreadPoolExecutor(1, "read-ahead") as reader:
        waiting: list[Future[Block | None]] = [reader.submit(next, blocks, None) for _ in range(AHEAD)]
        while (block := waiting.pop(0).result()) is not None:
            waiting.append(reader.submit(next, blocks, None))
            yield block
