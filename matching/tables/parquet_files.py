"""Parquet as every engine writes it: columns by kind, and each value exactly or as unreadable."""

from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet

from matching.errors import BadTable
from matching.tables.columns import Column, Kind, since_1970

READ_AHEAD = 1 << 20  # bytes of a column; without it a whole row group is read at once, whatever its size
MAGIC = b"PAR1"
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}

NOT_UTF8 = "is not UTF-8"
BEYOND = "lies outside the years 1 to 9999"

KINDS: tuple[tuple[Callable[[Any], bool], Kind], ...] = (
    (pa.types.is_string, Kind.TEXT),
    (pa.types.is_large_string, Kind.TEXT),
    (pa.types.is_string_view, Kind.TEXT),
    (pa.types.is_binary, Kind.BYTES),
    (pa.types.is_large_binary, Kind.BYTES),
    (pa.types.is_fixed_size_binary, Kind.BYTES),
    (pa.types.is_binary_view, Kind.BYTES),
    (pa.types.is_integer, Kind.WHOLE),
    (pa.types.is_floating, Kind.FRACTIONS),
    (pa.types.is_date, Kind.DATES),
    (pa.types.is_timestamp, Kind.TIMES),
    (lambda kind: is_list(kind) and is_number(kind.value_type), Kind.LISTS),
    (lambda kind: pa.types.is_decimal(kind) and kind.scale == 0, Kind.WHOLE),
    (pa.types.is_decimal, Kind.FRACTIONS),
)


class Unreadable(str):
    """In the place of a value: what follows the name of the column in a sentence."""

    __slots__ = ()


def is_list(kind: Any) -> bool:
    types = pa.types
    return any(
        is_one(kind)
        for is_one in (
            types.is_list,
            types.is_large_list,
            types.is_fixed_size_list,
            types.is_list_view,
            types.is_large_list_view,
        )
    )


def is_number(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def opened(path: Path) -> Any:
    try:
        # In nanoseconds, what Spark and Impala write as INT96 turns over in the year 2262.
        return pyarrow.parquet.ParquetFile(
            path, pre_buffer=False, buffer_size=READ_AHEAD, coerce_int96_timestamp_unit="us"
        )
    except (OSError, ValueError, pa.ArrowException):
        raise BadTable(f"{path.name} begins like Parquet and is none, or was cut off.") from None


class ParquetFile:
    """Errors: BadTable, OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with opened(path) as file:
            self.length = int(file.metadata.num_rows)
            try:
                schema = file.schema_arrow
                self.own_names: list[str] = list(schema.names)
            except (ValueError, pa.ArrowException):
                raise BadTable(f"{path.name} names its columns in what is not UTF-8.") from None
            self.types = list(schema.types)
            self.metadata: dict[bytes, bytes] = schema.metadata or {}
        self.names = [name.strip().lower() for name in self.own_names]

    def batches(self, places: Sequence[int], size: int) -> Iterator[list[Any]]:
        """Arrays of the columns at these places."""
        done = 0
        try:
            with opened(self.path) as file:
                for batch in file.iter_batches(size, columns=[self.own_names[place] for place in places]):
                    yield [batch.column(batch.schema.names.index(self.own_names[place])) for place in places]
                    done += batch.num_rows
        except (OSError, ValueError, pa.ArrowException):
            raise BadTable(f"{self.path.name} is damaged behind row {done}; what stands before is kept.") from None


def kind_of(kind: Any) -> Kind | None:
    """None, where every cell is empty."""
    if pa.types.is_dictionary(kind):
        return kind_of(kind.value_type)
    if isinstance(kind, pa.UuidType):
        return Kind.UUIDS
    if isinstance(kind, pa.BaseExtensionType):
        return kind_of(kind.storage_type)
    if pa.types.is_null(kind):
        return None
    return next((found for is_one, found in KINDS if is_one(kind)), Kind.OTHER)


def plain(array: Any) -> Any:
    """The same values without dictionary, extension or view."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        return plain(array.dictionary_decode())
    if isinstance(kind, pa.BaseExtensionType) and not isinstance(kind, pa.UuidType):
        return plain(array.storage)
    if pa.types.is_binary_view(kind):
        return array.cast(pa.large_binary())
    if pa.types.is_string_view(kind):
        return array.cast(pa.large_string())
    return array


def values(array: Any, column: Column) -> list[Any]:
    """Text, dates and times; numbers and UUIDs as text; bytes as they are only where the column keeps them."""
    array = plain(array)
    kind = kind_of(array.type)
    if kind is Kind.TEXT:
        return texts(array)
    if kind is Kind.BYTES:
        return from_bytes(array, column)
    if kind in (Kind.DATES, Kind.TIMES):
        return moments(array)
    return [None if value is None else str(value) for value in array.to_pylist()]


def texts(array: Any) -> list[Any]:
    try:
        found: list[Any] = array.to_pylist()
    except UnicodeDecodeError:
        found = [decoded(value) for value in array.cast(pa.large_binary()).to_pylist()]
    return found


def from_bytes(array: Any, column: Column) -> list[Any]:
    """Sixteen bytes each, where an id belongs, are what Parquet keeps of a UUID."""
    found: list[bytes | None] = array.to_pylist()
    if column.keeps_bytes:
        return found
    if Kind.UUIDS in column.kinds and pa.types.is_fixed_size_binary(array.type) and array.type.byte_width == 16:
        return [None if value is None else str(UUID(bytes=value)) for value in found]
    return [decoded(value) for value in found]


def decoded(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return Unreadable(NOT_UTF8)


def moments(array: Any) -> list[Any]:
    kind = array.type
    try:
        if pa.types.is_date32(kind):
            return list(array.to_pylist())
    except OverflowError:
        array, kind = array.cast(pa.date64()), pa.date64()
    per_second = PER_SECOND["ms"] if pa.types.is_date64(kind) else PER_SECOND[kind.unit]
    zone = zone_of(kind)
    return [moment(count, per_second, zone) for count in array.view(pa.int64()).to_pylist()]


def zone_of(kind: Any) -> tzinfo | None:
    name = getattr(kind, "tz", None)
    if name is None:
        return None
    found: tzinfo = pa.lib.string_to_tzinfo(name)
    return found


def moment(count: int | None, per_second: int, zone: tzinfo | None) -> Any:
    try:
        return None if count is None else since_1970(count, per_second, zone)
    except OverflowError:
        return Unreadable(BEYOND)
