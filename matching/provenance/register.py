"""Reading the operator's register of disclosures, line by line, whatever its size.

shown_at  when; without an offset it is the operator's own time
client    to whom; agency (optional), for whom
image     the id of the image, or address, where the image or its page lies; one of both in every line
"""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings

from matching.provenance.columns import ADDRESS
from matching.tables import Column, Kind, Refused, Table, instant_column, open_table, rows_of, text_column
from matching.types import Fault, RegisterLine

COLUMNS = ("shown_at", "client", "agency", "image", "address")
NAMING = ("image", "address")  # one of them says which image it was
BATCH = 5000

Read = RegisterLine | Fault


class Register:
    """Errors: BadTable."""

    def __init__(self, file: Path) -> None:
        self._columns = (
            instant_column("shown_at", ZoneInfo(settings.TIME_ZONE)),
            text_column("client", longest=80, needed=True),
            text_column("agency", longest=200),
            Column("image", frozenset({Kind.TEXT, Kind.BYTES, Kind.UUIDS}), image_id, keeps_bytes=True),
            ADDRESS,
        )
        self._table: Table = open_table(file, self._columns, one_of=NAMING)

    @property
    def length(self) -> int:
        """What `read` counts its progress in."""
        return self._table.length

    def read(self) -> Iterator[tuple[list[Read], int]]:
        """Batches of lines, each with how far into the length it reaches."""
        for batch in self._table.batches(BATCH):
            yield [line(place, row) for place, row in rows_of(batch, self._columns)], batch.reached


def line(place: str, row: dict[str, object] | Fault) -> Read:
    if isinstance(row, Fault):
        return row
    if row["image"] is None and not row["address"]:
        return Fault(place, "it names no image: fill in image or address")
    client, agency, shown_at, image, address = (row[name] for name in ("client", "agency", "shown_at", *NAMING))
    return RegisterLine(client, agency, shown_at, image, address)  # type: ignore[arg-type]  # as the columns read them


def image_id(cell: str | bytes | None) -> UUID | None:
    """Text, or the sixteen bytes of Parquet's own UUID."""
    if cell is None or not cell.strip():
        return None
    try:
        if isinstance(cell, bytes):
            return UUID(bytes=cell) if len(cell) == 16 else UUID(cell.decode("ascii").strip())
        return UUID(cell.strip())
    except ValueError:
        raise Refused("is no id of an image (a UUID): give its address instead") from None
