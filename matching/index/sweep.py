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
class Block:
    face_ids: NDArray[np.int64]  # (n,)
    halves: int8_filter.Halves  # (n, dim), in this machine's order of bytes


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
    asked = int8_filter.Probes(probes, np.asarray(at_least, np.float64)[owners])
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


def read_ahead(blocks: Generator[Block]) -> Generator[Block]:
    """The same blocks, read in a thread of their own while others are worked on."""
    with closing(blocks), ThreadPoolExecutor(1, "read-ahead") as reader:
        waiting: list[Future[Block | None]] = [reader.submit(next, blocks, None) for _ in range(AHEAD)]
        while (block := waiting.pop(0).result()) is not None:
            waiting.append(reader.submit(next, blocks, None))
            yield block
