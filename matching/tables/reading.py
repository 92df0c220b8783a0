"""One way into a table, whatever its file is: columns by name in any case, cells by row, faults by place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from matching.errors import BadTable
from matching.tables import parquet_files
from matching.tables.columns import Column, Kind, Refused
from matching.tables.csv_files import NO_TEXT, CsvFile, Record
from matching.tables.parquet_files import MAGIC, ParquetFile, Unreadable, kind_of
from matching.types import Fault

BATCH = 5000


class NoRecord(Unreadable):
    """In the place of every cell of a line that could not be taken apart: why."""

    __slots__ = ()


@dataclass(frozen=True)
class Batch:
    noun: str  # what its rows are called: line, row
    numbers: Sequence[int]  # by which people find them in the file
    cells: dict[str, list[Any]]  # by column
    arrays: dict[str, Any]  # columns of lists, and of bytes that stay bytes, as Arrow holds them
    reached: int  # how far into the table's length

    def __len__(self) -> int:
        return len(self.numbers)

    def place(self, n: int) -> str:
        return f"{self.noun} {self.numbers[n]}"

    def cut(self, start: int, end: int) -> "Batch":
        cells = {name: cells[start:end] for name, cells in self.cells.items()}
        arrays = {name: array.slice(start, end - start) for name, array in self.arrays.items()}
        return Batch(self.noun, self.numbers[start:end], cells, arrays, self.reached)

    def row(self, n: int, columns: Sequence[Column]) -> dict[str, Any]:
        """The values of one row. Errors: Refused, with a sentence that names the column."""
        return {column.name: self.value(n, column) for column in columns}

    def value(self, n: int, column: Column) -> Any:
        name = column.name
        cell = self.cells[name][n] if name in self.cells else None
        if isinstance(cell, Unreadable):
            raise Refused(str(cell) if isinstance(cell, NoRecord) else f"{name} {cell}")
        try:
            return column.read(cell)
        except Refused as why:
            raise Refused(f"{name} {why}") from None


class Table:
    """Errors of the maker and of reading: BadTable."""

    def __init__(self, path: Path, columns: Sequence[Column], one_of: Sequence[str] = ()) -> None:
        """Of the columns that are `one_of`, one at least must be there."""
        self.path, self._columns, self._one_of = path, columns, one_of
        try:
            with path.open("rb") as file:
                is_parquet = file.read(len(MAGIC)) == MAGIC
            self._file = ParquetFile(path) if is_parquet else CsvFile(path, lambda names: not self._missing(names))
        except OSError as error:
            raise BadTable(f"{path.name} cannot be read: {error.strerror}.") from None
        self.metadata = self._file.metadata if isinstance(self._file, ParquetFile) else {}
        self.length = self._file.length  # bytes of CSV, rows of Parquet
        self._places = self._found()
        if isinstance(self._file, ParquetFile):
            self._check_types(self._file)

    def _missing(self, names: Sequence[str]) -> list[str]:
        missing = [column.name for column in self._columns if column.needed and column.name not in names]
        if self._one_of and not set(self._one_of) & set(names):
            missing.append(" or ".join(self._one_of))
        return missing

    def _found(self) -> dict[str, int]:
        """Where each of the columns stands in the file."""
        names = self._file.names
        if missing := self._missing(names):
            how = "" if isinstance(self._file, ParquetFile) else CSV_NAMES
            raise BadTable(f"{self.path.name} lacks the columns {', '.join(missing)}.{how}")
        for column in self._columns:
            if names.count(column.name) > 1:
                raise BadTable(
                    f"{self.path.name} has the column {column.name} more than once, perhaps in upper and lower case:"
                    " rename or take out all but one."
                )
        return {column.name: names.index(column.name) for column in self._columns if column.name in names}

    def _check_types(self, file: ParquetFile) -> None:
        for column in self._columns:
            kind = file.types[self._places[column.name]] if column.name in self._places else None
            found = None if kind is None else kind_of(kind)
            if found is not None and found not in column.kinds:
                wanted = " or ".join(kind for kind in Kind if kind in column.kinds and is_said(kind, column))
                raise BadTable(f"{self.path.name}: the column {column.name} holds {kind}, but must hold {wanted}.")
            if found is Kind.TIMES:
                try:
                    parquet_files.zone_of(kind)
                except (ValueError, LookupError):
                    raise BadTable(f"{self.path.name}: the column {column.name} is of an unknown time zone.") from None

    def count(self) -> int:
        """How many rows there are, readable or not."""
        if isinstance(self._file, ParquetFile):
            return self.length
        return sum(1 for _ in self._file.records())

    def batches(self, size: int = BATCH) -> Iterator[Batch]:
        return self._of_parquet(self._file, size) if isinstance(self._file, ParquetFile) else self._of_csv(size)

    def _of_parquet(self, file: ParquetFile, size: int) -> Iterator[Batch]:
        there = [column for column in self._columns if column.name in self._places]
        done = 0
        for arrays in file.batches([self._places[column.name] for column in there], size):
            cells, left = {}, {}
            for column, array in zip(there, arrays, strict=True):
                kind = kind_of(array.type)
                if kind is Kind.LISTS or (kind is Kind.BYTES and column.keeps_bytes and Kind.LISTS in column.kinds):
                    left[column.name] = parquet_files.plain(array)
                else:
                    cells[column.name] = parquet_files.values(array, column)
            count = len(arrays[0])
            yield Batch("row", range(done + 1, done + count + 1), cells, left, done + count)
            done += count

    def _of_csv(self, size: int) -> Iterator[Batch]:
        assert isinstance(self._file, CsvFile)
        records = self._file.records()
        while some := self._next(records, size):
            cells = {name: [cell_at(record, place) for _n, record in some] for name, place in self._places.items()}
            yield Batch("line", [number for number, _record in some], cells, {}, self._file.reached)

    def _next(self, records: Iterator[Record], size: int) -> list[Record]:
        try:
            return list(islice(records, size))
        except OSError as error:
            raise BadTable(f"{self.path.name} cannot be read to its end: {error.strerror}.") from None


def is_said(kind: Kind, column: Column) -> bool:
    """Bytes are taken for text, but nobody is told to write them."""
    return kind is not Kind.BYTES or column.keeps_bytes


CSV_NAMES = " Its first line must name them, separated by commas, semicolons or tabs."


def cell_at(record: list[str] | str, place: int) -> str:
    if isinstance(record, str):
        return NoRecord(record)
    cell = record[place]
    return Unreadable(f"{parquet_files.NOT_UTF8}: save the file as UTF-8") if NO_TEXT in cell else cell


def open_table(path: Path, columns: Sequence[Column], *, one_of: Sequence[str] = ()) -> Table:
    """CSV or Parquet, as its content says. Errors: BadTable."""
    return Table(path, columns, one_of)


def rows_of(batch: Batch, columns: Sequence[Column]) -> Iterator[tuple[str, dict[str, Any] | Fault]]:
    """Each row by its place, as values by column or as what is wrong with it."""
    for n in range(len(batch)):
        place = batch.place(n)
        try:
            yield place, batch.row(n, columns)
        except Refused as why:
            yield place, Fault(place, str(why))
