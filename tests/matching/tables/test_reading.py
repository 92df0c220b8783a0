"""Whatever bytes a table is made of, each line is read as it stands or named; nothing else comes of it."""

import csv
import io
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matching.errors import BadTable
from matching.tables import id_column, open_table, rows_of, text_column
from matching.types import Fault

COLUMNS = (id_column("image"), text_column("page", longest=100, needed=True))
Read = list[tuple[str, dict[str, str | None] | Fault]]

anything = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
cell = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PIECES = [b"a", b",", b";", b'"', b'""', b"\n", b"\r", b"\r\n", b"\0", b"\xff", b"\xc3\xa9", b"\t", b"1"]


def read(file: Path, content: bytes) -> Read:
    file.write_bytes(content)
    return [row for batch in open_table(file, COLUMNS).batches(3) for row in rows_of(batch, COLUMNS)]


@anything
@given(rows=st.lists(st.tuples(cell, cell), max_size=8), separator=st.sampled_from(",;\t|"), utf16=st.booleans())
def test_what_a_program_wrote_comes_back_to_the_last_character(
    tmp_path: Path, rows: list[tuple[str, str]], separator: str, utf16: bool
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator, quoting=csv.QUOTE_ALL).writerows([("image", "page"), *rows])
    found = read(tmp_path / "t", out.getvalue().encode("utf-16" if utf16 else "utf-8"))
    assert len(found) == len(rows)
    for (_place, row), (image, page) in zip(found, rows, strict=True):
        if isinstance(row, Fault):
            assert "\0" in image + page or not page.strip()
        else:
            assert row == {"image": image if image.strip() else None, "page": page.strip()}


@anything
@given(content=st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join))
def test_no_bytes_lead_to_anything_but_rows_and_named_lines(tmp_path: Path, content: bytes) -> None:
    good = b"\nx,whole\n"
    for _place, row in (found := read(tmp_path / "t", b"image,page\n" + content + good)):
        assert isinstance(row, Fault) or "\udc80" not in f"{row['image']}{row['page']}"
    assert found  # the last line by itself, or as the end of one that is named


@anything
@given(content=st.binary(max_size=200))
def test_what_is_no_table_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadTable, match=r"^t .*\.$"):
        read(tmp_path / "t", b"x" + content)


@anything
@given(content=st.binary(max_size=400))
def test_so_is_what_begins_like_parquet(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadTable, match=r"^t begins like Parquet and is none"):
        read(tmp_path / "t", b"PAR1" + content + b"PAR1")


def test_a_line_as_long_as_the_file_takes_no_memory(tmp_path: Path) -> None:
    with (tmp_path / "t").open("wb") as file:
        file.write(b"image,page\na,one\n")
        for _ in range(60):
            file.write(b"x," * 500_000)
        file.write(b"\nb,two\n")
    tracemalloc.start()
    table = open_table(tmp_path / "t", COLUMNS)
    found = [row for batch in table.batches() for row in rows_of(batch, COLUMNS)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [place for place, _row in found] == ["line 2", "line 3", "line 4"]
    assert isinstance(found[1][1], Fault)
    assert peak < 20_000_000


def test_many_rows_are_read_a_batch_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(b"image,page\n" + b"a,b\n" * 100_000)
    table = open_table(tmp_path / "t", COLUMNS)
    reached = [batch.reached for batch in table.batches(1000)]
    assert len(reached) == 100
    assert reached == sorted(reached)
    assert reached[-1] == table.length
    assert table.count() == 100_000
