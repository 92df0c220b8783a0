"""All probes against all faces, in one pass over blocks of stored embeddings."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from matching.index import exact, int8_filter
from matching.index.protocol import Hit
from matching.types import Embeddings

AHEAD = 8  # blocks read while one is multiplied


@dataclass(frozen=True)
class EmbeddingBlock:
    face_ids: NDArray[np.int64]  # (n,)
    halves: int8_filter.Halves  # (n, dim), in this machine's order of bytes


def sweep_blocks(
    groups: Sequence[Embeddings],
    at_least: Sequence[float],
    *,
    read: Callable[[int], Generator[EmbeddingBlock]],
    images_of: Callable[[Sequence[int]], dict[int, UUID]],
) -> list[list[Hit]]:
    """The `sweep` of an index that can read its embeddings in blocks; `read` gets their dimension.

    A face that was deleted during the pass has no image any more and is left out.
    """
    owners = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    if not len(owners):
        return [[] for _ in groups]
    probes = exact.as_stored(np.concatenate([group for group in groups if len(group)]))
    asked = int8_filter.Int8Probes(probes, np.asarray(at_least, np.float64)[owners])
    best: list[dict[int, float]] = [{} for _ in groups]
    for block in read_ahead(read(probes.shape[1])):
        for found in asked.pairs(block.halves):
            columns = owners[found.probes], block.face_ids[found.rows], found.similarities
            for owner, face_id, similarity in zip(*(column.tolist() for column in columns), strict=True):
                best[owner][face_id] = max(similarity, best[owner].get(face_id, similarity))
    images = images_of(list(set().union(*best)))
    return [
        exact.in_order([Hit(face, images[face], similarity) for face, similarity in faces.items() if face in images])
        for faces in best
    ]


def read_ahead(blocks: Generator[EmbeddingBlock]) -> Generator[EmbeddingBlock]:
    """The same blocks, read by another thread while this one works on those before."""
    with closing(blocks), ThreadPoolExecutor(1, "read-ahead") as reader:
        waiting: list[Future[EmbeddingBlock | None]] = [reader.submit(next, blocks, None) for _ in range(AHEAD)]
        while (block := waiting.pop(0).result()) is not None:
            waiting.append(reader.submit(next, blocks, None))
            yield block
