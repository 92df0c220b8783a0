"""Files of ready embeddings, read a piece at a time: Parquet, or a NumPy array beside a table of where it is from.

The columns, of which `harvest_embeddings --help` tells the operator:

image         text, the engine's own id of the image; or file_digest, SHA-256 of its file (32 bytes, or hex)
page          text, where it was found; address (optional), where the image itself lay
harvested_on  a date, or text as YYYY-MM-DD; site, country (optional) text
box           four whole numbers, left, top, right, bottom, in pixels; score (optional) a number
embedding     a list of numbers, or bytes: little-endian float32 or float16; of the pack's dimension

What is wrong with one row is said of that row; what is wrong with a column, or with the dimension of all embeddings,
of the file.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from matching.errors import BadEmbeddings
from matching.provenance import ADDRESS, COUNTRY, HARVESTED_ON, PAGE, SITE
from matching.tables import Batch, Column, Kind, Refused, Table, decimal, id_column, open_table
from matching.types import Embeddings

PIECE = 2048  # rows; while these are prepared the ones before are stored, and both fit a processor's cache
RECOGNISER = b"recogniser_sha256"  # in the file's own metadata
DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII | re.IGNORECASE)
FURTHEST = 2**30  # pixels


def file_digest(cell: str | bytes | None) -> bytes | None:
    if not cell:
        return None
    if isinstance(cell, bytes) and len(cell) == 32:
        return cell
    text = (cell.decode("ascii", "replace") if isinstance(cell, bytes) else cell).strip()
    if not DIGEST.fullmatch(text):
        raise Refused("is no SHA-256: 32 bytes, or 64 digits in hex")
    return bytes.fromhex(text)


def score(cell: str | None) -> float:
    found = 1.0 if cell is None or not cell.strip() else decimal(cell)
    if abs(found) > 1e6:
        raise Refused("is no score")
    return found


def box(cell: str | None) -> tuple[float, ...]:
    found = tuple(map(decimal, (cell or "").split()))
    if len(found) != 4:
        raise Refused(BOX_WANTED)
    return found


BOX_WANTED = "must hold four numbers: left, top, right, bottom"

IMAGE = id_column("image")
FILE_DIGEST = Column("file_digest", frozenset({Kind.TEXT, Kind.BYTES}), file_digest, keeps_bytes=True)
BOX = Column("box", frozenset({Kind.LISTS, Kind.TEXT}), box, needed=True)
SCORE = Column("score", frozenset({Kind.WHOLE, Kind.FRACTIONS, Kind.TEXT}), score)
# Read as it lies: a list for each row, or bytes.
EMBEDDING = Column("embedding", frozenset({Kind.LISTS, Kind.BYTES}), str, needed=True, keeps_bytes=True)

OF_IMAGE = (IMAGE, FILE_DIGEST, PAGE, HARVESTED_ON, SITE, COUNTRY, ADDRESS)
IDENTITY = ("image", "file_digest", "page")


@dataclass(frozen=True)
class Piece:
    """Rows that stand together; the rows of one image are never in two pieces."""

    batch: Batch
    boxes: NDArray[np.int32]  # (n, 4)
    scores: NDArray[np.float32]  # (n,)
    rows: Embeddings  # (n, dim), of whatever length, perhaps not finite
    faults: dict[int, str]  # by row: why its numbers cannot be used

    def __len__(self) -> int:
        return len(self.batch)


class EmbeddingFile:
    """Errors of the maker and of reading: BadTable."""

    def __init__(self, path: Path, ids: Path | None = None) -> None:
        """`ids`: the table of all other columns, beside an .npy."""
        self._vectors = None if ids is None else array(path)
        columns = (*OF_IMAGE, BOX, SCORE) if ids else (*OF_IMAGE, BOX, SCORE, EMBEDDING)
        self._table: Table = open_table(ids or path, columns, one_of=("image", "file_digest"))
        # Before anything is taken in: where one row is missing, all that follow would bear another's embedding.
        if self._vectors is not None and (rows := self._table.count()) != len(self._vectors):
            raise BadEmbeddings(f"{self._table.path.name} has {rows} rows, but {path.name} has {len(self._vectors)}.")

    def recogniser(self) -> str:
        """SHA-256 of the model that made them, where the file says so."""
        return self._table.metadata.get(RECOGNISER, b"").decode(errors="replace")

    def count(self) -> int:
        return self._table.count() if self._vectors is None else len(self._vectors)

    def pieces(self, dim: int) -> Iterator[Piece]:
        done = 0
        for batch in whole_images(self._table.batches(PIECE)):
            part = None if self._vectors is None else self._vectors[done : done + len(batch)]
            yield piece(batch, part, dim, is_first=not done)
            done += len(batch)


def array(path: Path) -> NDArray[Any]:
    try:
        found: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError, EOFError):
        raise BadEmbeddings(f"{path.name} is no NumPy array that can be read.") from None
    if found.ndim != 2 or found.dtype.kind != "f":
        raise BadEmbeddings(f"{path.name} must be a table of floating-point numbers, a row for each face.")
    return found


def whole_images(batches: Iterable[Batch]) -> Iterator[Batch]:
    """The same rows, cut between images: the last image of a batch waits for the next, which may go on with it."""
    left: Batch | None = None
    for batch in batches:
        whole = batch if left is None else joined(left, batch)
        cut = last_image_at(whole)
        if cut:
            yield whole.cut(0, cut)
        left = whole.cut(cut, len(whole))
    if left is not None and len(left):
        yield left


def joined(one: Batch, other: Batch) -> Batch:
    cells = {name: one.cells[name] + cells for name, cells in other.cells.items()}
    arrays = {name: pa.concat_arrays([one.arrays[name], array]) for name, array in other.arrays.items()}
    return Batch(one.noun, [*one.numbers, *other.numbers], cells, arrays, other.reached)


def last_image_at(batch: Batch) -> int:
    of_image = [batch.cells[name] for name in IDENTITY if name in batch.cells]
    at = len(batch)
    last = [cells[at - 1] for cells in of_image] if at else []
    while at and [cells[at - 1] for cells in of_image] == last:
        at -= 1
    return at


def piece(batch: Batch, vectors: NDArray[Any] | None, dim: int, *, is_first: bool) -> Piece:
    faults: dict[int, str] = {}
    if vectors is None:
        rows = embeddings(batch.arrays.get("embedding"), len(batch), dim, faults, is_first=is_first)
    elif vectors.shape[1] != dim:
        raise BadEmbeddings(OTHER_LENGTH.format(vectors.shape[1], dim))
    else:
        rows = as_float32(vectors)
    return Piece(batch, boxes(batch, faults), scores(batch, faults), rows, faults)


OTHER_LENGTH = "The embeddings have {} numbers, but those of the pack have {}."


def embeddings(column: Any, count: int, dim: int, faults: dict[int, str], *, is_first: bool) -> Embeddings:
    """Errors: BadEmbeddings, where the very first rows are all of another length."""
    if column is None:  # no cell of the whole file holds one
        faults.update(dict.fromkeys(range(count), "embedding is empty"))
        return np.zeros((count, dim), np.float32)
    if is_list(column.type):
        found, lengths = matrix(column, dim)
        wrong = np.flatnonzero(lengths != dim)
        if is_first and len(wrong) == count and (lengths >= 0).any():
            raise BadEmbeddings(OTHER_LENGTH.format(lengths[lengths >= 0][0], dim))
        said = "embedding has {} numbers, but those of the pack have " + str(dim)
    else:
        found, lengths = from_bytes(column.to_pylist(), dim)
        wrong = np.flatnonzero((lengths != 4 * dim) & (lengths != 2 * dim))
        said = f"embedding has {{}} bytes, but {4 * dim} or {2 * dim} are needed"
        if is_first and len(wrong) == count and (lengths >= 0).any():
            raise BadEmbeddings(f"The column embedding must hold {4 * dim} or {2 * dim} bytes in every row.")
    faults.update({int(n): said.format(lengths[n]) if lengths[n] >= 0 else "embedding is empty" for n in wrong})
    return as_float32(found)


def is_list(kind: Any) -> bool:
    return hasattr(kind, "value_type")


def as_float32(found: NDArray[Any]) -> Embeddings:
    with np.errstate(over="ignore", invalid="ignore"):  # what is too large is no direction, and said to be none
        return np.asarray(found, np.float32)


def matrix(column: Any, width: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Lists as rows, zeros where one is of another length; and how long each is, -1 where there is none."""
    kind, count = column.type, len(column)
    if pa.types.is_fixed_size_list(kind):
        lengths = np.full(count, kind.list_size, np.int64)
        lengths[~column.is_valid().to_numpy(zero_copy_only=False)] = -1
    else:
        found = pyarrow.compute.list_value_length(column).fill_null(-1)
        lengths = found.to_numpy(zero_copy_only=False).astype(np.int64)
    right = lengths == width
    if right.all():
        return column.flatten().to_numpy(zero_copy_only=False).reshape(count, width), lengths
    numbers = column.filter(pa.array(right)).flatten().to_numpy(zero_copy_only=False)
    rows = np.zeros((count, width), numbers.dtype if numbers.dtype.kind == "f" else np.float64)
    rows[right] = numbers.reshape(-1, width)
    return rows, lengths


def from_bytes(values: list[bytes | None], dim: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    lengths = np.array([-1 if value is None else len(value) for value in values], np.int64)
    rows = np.zeros((len(values), dim), np.float32)
    for size, kind in ((4 * dim, "<f4"), (2 * dim, "<f2")):
        of_size = lengths == size
        joined = b"".join(value for value in values if value is not None and len(value) == size)
        rows[of_size] = np.frombuffer(joined, kind).reshape(-1, dim)
    return rows, lengths


def boxes(batch: Batch, faults: dict[int, str]) -> NDArray[np.int32]:
    if "box" in batch.arrays:
        found, lengths = matrix(batch.arrays["box"], 4)
        faults.update({int(n): f"box {BOX_WANTED}" for n in np.flatnonzero(lengths != 4)})
        numbers = found.astype(np.float64)
    else:
        read = (each or (0.0,) * 4 for each in cells(batch, BOX, faults))
        numbers = np.fromiter(chain.from_iterable(read), np.float64, 4 * len(batch)).reshape(-1, 4)
    beyond = ~(np.abs(numbers) <= FURTHEST).all(axis=1)  # what is not a number is not within, either
    if beyond.any():
        faults.update({int(n): "box holds what are no pixels" for n in np.flatnonzero(beyond)})
        numbers[beyond] = 0
    return numbers.round().astype(np.int32)


def scores(batch: Batch, faults: dict[int, str]) -> NDArray[np.float32]:
    if "score" not in batch.cells:
        return np.ones(len(batch), np.float32)
    return np.array([1.0 if each is None else each for each in cells(batch, SCORE, faults)], np.float32)


def cells(batch: Batch, column: Column, faults: dict[int, str]) -> Iterator[Any]:
    """None in the place of what cannot be used."""
    for n in range(len(batch)):
        try:
            yield batch.value(n, column)
        except Refused as why:
            faults.setdefault(n, str(why))
            yield None
