"""Files of ready embeddings, read a piece at a time: Parquet, or a NumPy array beside a table of where it is from.

The columns, of which `harvest_embeddings --help` tells the operator:

image         text, the engine's own id of the image; or file_digest, SHA-256 of its file (32 bytes, or hex)
page          text, where it was found; address (optional), where the image itself lay
harvested_on  a date, or text as YYYY-MM-DD; site, country (optional) text
box           four whole numbers, left, top, right, bottom, in pixels; score (optional) a number
embedding     a list of numbers, or bytes: little-endian float32 or float16; of the pack's dimension
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from matching.errors import BadEmbeddings
from matching.types import Embeddings

PIECE = 2048  # rows; while these are prepared the ones before are stored, and both fit a processor's cache
READ_AHEAD = 1 << 20  # bytes of a column; without it a whole row group is read at once, whatever its size
REQUIRED = ("page", "harvested_on", "box")
OPTIONAL = ("address", "site", "country", "score")
RECOGNISER = b"recogniser_sha256"  # in the file's own metadata


@dataclass(frozen=True)
class Piece:
    """Rows that stand together; the rows of one image are never in two pieces."""

    first: int  # number of the first row in the file, from 1
    columns: dict[str, list[Any]]
    boxes: NDArray[np.int32]  # (n, 4)
    scores: NDArray[np.float32]  # (n,)
    rows: Embeddings  # (n, dim), of whatever length, perhaps not finite

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class EmbeddingFile:
    path: Path
    ids: Path | None = None  # beside an .npy: the table of all other columns

    @property
    def table(self) -> Path:
        return self.ids or self.path

    def recogniser(self) -> str:
        """SHA-256 of the model that made them, where the file says so."""
        if self.table.suffix.lower() != ".parquet":
            return ""
        stated: bytes = (schema(self.table).metadata or {}).get(RECOGNISER, b"")
        return stated.decode()

    def count(self) -> int:
        if self.path.suffix.lower() == ".npy":
            return len(array(self.path))
        with opened(self.path) as parquet:
            return int(parquet.metadata.num_rows)

    def pieces(self, dim: int) -> Iterator[Piece]:
        """Errors: BadEmbeddings."""
        vectors = array(self.path) if self.path.suffix.lower() == ".npy" else None
        names = column_names(self.table, embedding=vectors is None)
        done = 0
        for batch in whole_images(batches(self.table, names)):
            part = None if vectors is None else vectors[done : done + batch.num_rows]
            yield piece(batch, part, first=done + 1, dim=dim)
            done += batch.num_rows
        if vectors is not None and done != len(vectors):
            raise BadEmbeddings(f"{self.table.name} has {done} rows, but {self.path.name} has {len(vectors)}.")


def array(path: Path) -> NDArray[Any]:
    try:
        found: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        raise BadEmbeddings(f"{path.name} is no NumPy array that can be read.") from None
    if found.ndim != 2 or found.dtype.kind != "f":
        raise BadEmbeddings(f"{path.name} must be a table of floating-point numbers, a row for each face.")
    return found


def opened(path: Path) -> Any:
    try:
        return pyarrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=READ_AHEAD)
    except (OSError, pa.ArrowException):
        raise BadEmbeddings(f"{path.name} is no Parquet file that can be read.") from None


def schema(path: Path) -> Any:
    if path.suffix.lower() == ".csv":
        with text(path) as reader:
            return reader.schema
    with opened(path) as parquet:
        return parquet.schema_arrow


def text(path: Path) -> Any:
    """Every column as text, so that no id, date or country is taken for a number."""
    try:
        with path.open(encoding="utf-8-sig") as lines:
            names = lines.readline().strip().split(",")
        kinds = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
        return pyarrow.csv.open_csv(path, convert_options=kinds)
    except (OSError, UnicodeDecodeError, pa.ArrowException):
        raise BadEmbeddings(f"{path.name} is no CSV file that can be read.") from None


def column_names(path: Path, *, embedding: bool) -> list[str]:
    there = set(schema(path).names)
    needed = [*REQUIRED, *(["embedding"] if embedding else [])]
    missing = [name for name in needed if name not in there]
    if not there & {"image", "file_digest"}:
        missing.append("image or file_digest")
    if missing:
        raise BadEmbeddings(f"{path.name} lacks the columns {', '.join(missing)}.")
    return [name for name in ("image", "file_digest", *needed, *OPTIONAL) if name in there]


def batches(path: Path, names: list[str]) -> Iterator[Any]:
    try:
        if path.suffix.lower() == ".csv":
            with text(path) as reader:
                yield from (batch.select(names) for batch in reader)
        else:
            with opened(path) as parquet:
                yield from parquet.iter_batches(batch_size=PIECE, columns=names)
    except (OSError, pa.ArrowException):
        raise BadEmbeddings(f"{path.name} is damaged; what was read before is kept.") from None


def whole_images(batches: Iterable[Any]) -> Iterator[Any]:
    """The same rows, cut between images: the last image of a batch waits for the next, which may go on with it."""
    left = None
    for batch in batches:
        table = pa.Table.from_batches([batch] if left is None else [*left.to_batches(), batch])
        cut = last_image_at(table)
        if cut:
            yield table.slice(0, cut).combine_chunks()
        left = table.slice(cut)
    if left is not None and left.num_rows:
        yield left.combine_chunks()


def last_image_at(table: Any) -> int:
    names = [name for name in ("image", "file_digest", "page") if name in table.column_names]
    at = table.num_rows
    last = [table.column(name)[at - 1] for name in names] if at else []
    while at and [table.column(name)[at - 1] for name in names] == last:
        at -= 1
    return int(at)


def piece(table: Any, vectors: NDArray[Any] | None, *, first: int, dim: int) -> Piece:
    columns = {name: table.column(name).to_pylist() for name in table.column_names if name not in ("embedding", "box")}
    rows = numbers(table.column("embedding"), dim) if vectors is None else np.asarray(vectors, np.float32)
    if len(rows) != table.num_rows or (len(rows) and rows.shape[1] != dim):
        raise BadEmbeddings(f"The embeddings have {rows.shape[1]} numbers, but those of the pack have {dim}.")
    scores = np.array(
        [1.0 if score is None else score for score in columns.get("score", [1.0] * len(rows))], np.float32
    )
    return Piece(first, columns, boxes_of(table.column("box")), scores, rows)


def numbers(column: Any, dim: int) -> Embeddings:
    if column.null_count:
        raise BadEmbeddings("The column embedding is empty in some rows.")
    joined = column.combine_chunks()
    if pa.types.is_binary(joined.type) or pa.types.is_large_binary(joined.type):
        return from_bytes(joined.to_pylist(), dim)
    if not hasattr(joined, "flatten"):
        raise BadEmbeddings("The column embedding must hold lists of numbers, or bytes.")
    flat = joined.flatten().to_numpy(zero_copy_only=False)
    if flat.dtype.kind not in "fiu" or not are_lists_of(joined, dim):
        width = len(joined[0]) if len(joined) else 0
        raise BadEmbeddings(f"The embeddings have {width} numbers, but those of the pack have {dim}.")
    rows: Embeddings = flat.reshape(len(joined), dim).astype(np.float32, copy=False)
    return rows


def are_lists_of(values: Any, length: int) -> bool:
    """Whether every row is a list of so many numbers; a sum that fits is not enough."""
    kind = values.type
    if pa.types.is_fixed_size_list(kind):
        return bool(kind.list_size == length and not values.null_count)
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)) or values.null_count:
        return False
    lengths = pyarrow.compute.min_max(pyarrow.compute.list_value_length(values)).as_py()
    return bool(lengths == {"min": length, "max": length})


def from_bytes(values: list[bytes], dim: int) -> Embeddings:
    lengths = {len(value) for value in values}
    kind = {4 * dim: "<f4", 2 * dim: "<f2"}.get(next(iter(lengths))) if len(lengths) == 1 else None
    if kind is None:
        raise BadEmbeddings(f"The column embedding must hold {4 * dim} or {2 * dim} bytes in every row.")
    return np.frombuffer(b"".join(values), kind).reshape(len(values), dim).astype(np.float32)


def boxes_of(column: Any) -> NDArray[np.int32]:
    try:
        boxes = np.array(four_each(column), np.float64).reshape(len(column), 4)
    except (TypeError, ValueError):
        raise BadEmbeddings("The column box must hold four numbers in every row: left, top, right, bottom.") from None
    if not np.isfinite(boxes).all() or (np.abs(boxes) > 2**30).any():
        raise BadEmbeddings("The column box must hold pixels.")
    return boxes.round().astype(np.int32)


def four_each(column: Any) -> Any:
    """Whatever can be made an array of (n, 4): lists of numbers as they lie, or texts taken apart."""
    values = column.combine_chunks()
    if are_lists_of(values, 4):
        return values.flatten().to_numpy(zero_copy_only=False)
    return [value.split() if isinstance(value, str) else value for value in values.to_pylist()]


def file_digest(columns: dict[str, list[Any]], n: int) -> bytes:
    """What an image is known by: SHA-256 of its file or, where only the engine's own id is known, of that.

    Errors: TypeError, ValueError.
    """
    given = columns["file_digest"][n] if "file_digest" in columns else None
    if given is None:
        named = columns["image"][n] if "image" in columns else None
        if named is None:
            raise ValueError("image")
        return hashlib.sha256(b"image id\0" + str(named).encode()).digest()
    if not isinstance(given, str | bytes):
        raise TypeError("file_digest")
    found = bytes.fromhex(given) if isinstance(given, str) else given
    if len(found) != 32:
        raise ValueError("file_digest")
    return found


def day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value)[:10])
