"""CSV as spreadsheets and databases write it: any usual encoding, separator and end of line; faults told by line."""

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from matching.errors import BadTable

SEPARATORS = (",", ";", "\t", "|")
LONGEST_LINE = 1 << 20  # characters; of a file that is no table a line may be as long as the file
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
NO_TABLE = (
    (b"PK\x03\x04", "is a workbook or an archive: save the sheet as CSV in UTF-8"),
    (b"\xd0\xcf\x11\xe0", "is a workbook: save the sheet as CSV in UTF-8"),
    (b"\x1f\x8b", "is compressed: unpack it first"),
)
EXCEL = re.compile(r"sep=([,;\t|])[\r\n]*", re.IGNORECASE)  # the first line of some exports says what separates

# Stands where bytes are no text of the encoding; no text has it, so that the cell is known.
NO_TEXT = "\udc80"
NO_TEXT_HANDLER = "takedown-no-text"
OVERLONG = "x" * LONGEST_LINE  # in the place of a longer line: one field, which the csv module refuses


def _marked(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError):
        return NO_TEXT, error.end
    raise error


codecs.register_error(NO_TEXT_HANDLER, _marked)

Record = tuple[int, list[str] | str]  # the number of its first line, and its fields or why there are none


class Lines:
    """The lines of a file, which can be read again from the second of those read since `begin`."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._again: deque[str] = deque()
        self.taken: list[str] = []
        self.first = 1

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._fresh()
        if not line:
            raise StopIteration
        self.taken.append(line)
        return line

    def _fresh(self) -> str:
        line = beginning = self._text.readline(LONGEST_LINE)
        while len(line) == LONGEST_LINE and line[-1] not in "\r\n":
            line = self._text.readline(LONGEST_LINE)
        return beginning if line is beginning else OVERLONG

    def begin(self) -> None:
        self.first += len(self.taken)
        self.taken = []

    def back_to_second(self) -> None:
        self._again.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]


def encoding_of(beginning: bytes) -> str:
    for mark, encoding in MARKS:
        if beginning.startswith(mark):
            return encoding
    if beginning[1:2] == b"\0":
        return "utf-16-le"
    return "utf-16-be" if beginning[:1] == b"\0" else "utf-8-sig"


class CsvFile:
    """Errors: BadTable, OSError."""

    def __init__(self, path: Path, fits: Callable[[list[str]], bool]) -> None:
        """`fits` says of the names in a heading, in lower case, whether they are those of the table."""
        self.path = path
        with path.open("rb") as raw:
            beginning = raw.read(4)
        for magic, what in NO_TABLE:
            if beginning.startswith(magic):
                raise BadTable(f"{path.name} {what}.")
        self._encoding = encoding_of(beginning)
        self.length = path.stat().st_size
        self._raw: BinaryIO | None = None  # while it is being read
        with path.open("rb") as raw, self._text(raw) as text:
            line, self._head, separators = self._heading(text)
        tried = [(names_in(line, separator), separator) for separator in separators]
        self.names, self._separator = next((each for each in tried if fits(each[0])), tried[0])
        # Who puts a space behind each separator of the heading does so in the lines below.
        self._spaced = f"{self._separator} " in line

    def _text(self, raw: BinaryIO) -> io.TextIOWrapper:
        return io.TextIOWrapper(raw, encoding=self._encoding, errors=NO_TEXT_HANDLER, newline="")

    def _heading(self, text: io.TextIOWrapper) -> tuple[str, int, Sequence[str]]:
        """The line that names the columns, its number, and what may separate them."""
        number = 0
        separators: Sequence[str] = SEPARATORS
        while line := text.readline(LONGEST_LINE):
            number += 1
            if said := EXCEL.fullmatch(line):
                separators = (said[1],)
            elif line.strip("\ufeff\r\n\t ,;|"):
                return line, number, separators
        raise BadTable(f"{self.path.name} is empty: its first line must name the columns.")

    @property
    def reached(self) -> int:
        """How many bytes of it were read, about, for the records given out so far."""
        return self.length if self._raw is None else self._raw.tell()

    def records(self) -> Iterator[Record]:
        """Behind the heading."""
        with self.path.open("rb") as self._raw, self._text(self._raw) as text:
            lines = Lines(text)
            for _ in range(self._head):
                next(lines)
            lines.begin()
            reader = csv.reader(lines, delimiter=self._separator, skipinitialspace=self._spaced, strict=True)
            while True:
                try:
                    record: list[str] | str = next(reader)
                except StopIteration:
                    self._raw = None
                    return
                except csv.Error as error:
                    record = told(error)
                    # A quote that nothing closes swallows what follows it, so that is read again by itself.
                    lines.back_to_second()
                if record:
                    yield lines.first, self._whole(record, len(lines.taken))
                lines.begin()

    def _whole(self, record: list[str] | str, lines: int) -> list[str] | str:
        expected = len(self.names)
        if isinstance(record, str) or len(record) == expected:
            return record
        if not any(record[expected:]) and len(record) > expected:
            return record[:expected]
        over = f" (over {lines} lines)" if lines > 1 else ""
        return f"it has {len(record)} columns{over}, the heading has {expected}"


def names_in(heading: str, separator: str) -> list[str]:
    try:
        names = next(csv.reader([heading.removeprefix("\ufeff")], delimiter=separator, skipinitialspace=True), [])
    except csv.Error:
        return []
    return [name.strip().lower() for name in names]


def told(error: csv.Error) -> str:
    if "field limit" in str(error):
        return f"a field is longer than {csv.field_size_limit():,} characters"
    return "its quotes do not pair: write a quote inside a quoted field twice"
