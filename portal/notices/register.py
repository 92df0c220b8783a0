"""Reading the operator's register of disclosures from CSV or Parquet, line by line, whatever its size.

A line that cannot be read is told by number, column and reason, never by its content: an address names a person's page.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings

from matching.types import RegisterLine

COLUMNS = ("shown_at", "client", "agency", "image", "address")
NEEDED = ("shown_at", "client")
NAMING = ("image", "address")  # one of them says which image it was
LONGEST = {"client": 80, "agency": 200, "address": 8000}
BATCH = 5000
MAGIC = b"PAR1"  # how a Parquet file begins


class NotARegister(Exception):
    """The file as a whole cannot be read; the text says why and what to do."""


@dataclass(frozen=True)
class Fault:
    """Why a line was not taken."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


class _Bad(ValueError):
    pass


Row = Mapping[str, object]
Read = RegisterLine | Fault


def length(file: Path) -> int:
    """Lines of Parquet, bytes of CSV: what `read` counts its progress in. Errors: NotARegister."""
    return int(_parquet(file).metadata.num_rows) if _is_parquet(file) else file.stat().st_size


def read(file: Path) -> Iterator[tuple[list[Read], int]]:
    """Batches of at most BATCH lines, each with how far into `length` it reaches. Errors: NotARegister."""
    return _batches(_parquet_rows(file) if _is_parquet(file) else _csv_rows(file))


def _batches(rows: Iterator[tuple[int, Row | str, int]]) -> Iterator[tuple[list[Read], int]]:
    batch: list[Read] = []
    reached = 0
    for number, row, reached in rows:
        batch.append(_line(number, row))
        if len(batch) == BATCH:
            yield batch, reached
            batch = []
    yield batch, reached


def _line(number: int, row: Row | str) -> Read:
    if isinstance(row, str):
        return Fault(number, row)
    try:
        return _taken(row)
    except _Bad as bad:
        return Fault(number, str(bad))


def _taken(row: Row) -> RegisterLine:
    image, address = _image(row.get("image")), _text(row, "address")
    if image is None and not address:
        raise _Bad("it names no image: fill in image or address")
    client = _text(row, "client")
    if not client:
        raise _Bad("client is empty")
    return RegisterLine(client, _text(row, "agency"), _instant(row.get("shown_at")), image, address)


def _text(row: Row, column: str) -> str:
    text = str(row.get(column) or "").strip()
    if len(text) > LONGEST[column] or "\0" in text:
        raise _Bad(f"{column} is longer than {LONGEST[column]} characters, or holds a character no text has")
    return text


def _image(value: object) -> UUID | None:
    try:
        return UUID(str(value).strip()) if value not in (None, "") else None
    except ValueError:
        raise _Bad("image is no id of an image (a UUID); give its address instead") from None


def _instant(value: object) -> datetime:
    """Without an offset it is the operator's own time."""
    try:
        instant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
    except ValueError:
        raise _Bad("shown_at is no time such as 2026-03-14T09:30:00-04:00") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=ZoneInfo(settings.TIME_ZONE))


def _csv_rows(file: Path) -> Iterator[tuple[int, Row | str, int]]:
    with file.open("rb") as raw:
        rows = csv.reader(_decoded(raw), strict=True)
        try:
            header = [name.strip().lower() for name in next(rows, [])]
            _check(header)
            for row in rows:
                if row:
                    named = dict(zip(header, row, strict=False)) if len(row) == len(header) else _columns(header, row)
                    yield rows.line_num, named, raw.tell()
        except csv.Error as error:
            # What follows a broken quote cannot be told apart any more.
            raise NotARegister(f"Line {rows.line_num + 1} is no CSV ({error}).") from None


def _columns(header: list[str], row: list[str]) -> str:
    return f"it has {len(row)} columns, the first line {len(header)}"


def _decoded(raw: Iterator[bytes]) -> Iterator[str]:
    for number, line in enumerate(raw, start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise NotARegister(f"Line {number} is not UTF-8. Save the file as UTF-8 and try again.") from None


def _check(columns: list[str]) -> None:
    missing = [name for name in NEEDED if name not in columns]
    if missing or not set(NAMING).intersection(columns):
        raise NotARegister(
            f"The register needs the columns {', '.join(NEEDED)} and one of {' or '.join(NAMING)};"
            f" it may have {', '.join(sorted(set(COLUMNS) - set(NEEDED) - set(NAMING)))}."
        )


def _is_parquet(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(MAGIC)) == MAGIC


def _parquet(file: Path) -> pq.ParquetFile:
    try:
        opened = pq.ParquetFile(file)
    except (pa.ArrowException, OSError):
        raise NotARegister("The file begins like Parquet and is none, or was cut off.") from None
    _check([name.lower() for name in opened.schema_arrow.names])
    return opened


def _parquet_rows(file: Path) -> Iterator[tuple[int, Row | str, int]]:
    """Lines are numbered from 1: Parquet has no header line."""
    opened = _parquet(file)
    wanted = [name for name in opened.schema_arrow.names if name.lower() in COLUMNS]
    number = 0
    for batch in opened.iter_batches(BATCH, columns=wanted):
        for row in batch.rename_columns([name.lower() for name in wanted]).to_pylist():
            number += 1
            yield number, {name: _plain(value) for name, value in row.items()}, number


def _plain(value: object) -> object:
    """Ids come as text, or as the sixteen bytes of Parquet's own UUID."""
    if isinstance(value, bytes):
        return str(UUID(bytes=value)) if len(value) == 16 else "?"
    return value
