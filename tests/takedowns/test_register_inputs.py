"""A register is read exactly, line by line, or refused by line: no client, time or image is made up."""

import struct
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet
import pytest
from django.core.management import CommandError, call_command

from matching.models import Disclosure

pytestmark = pytest.mark.django_db

HEADING = "shown_at,client,agency,image,address"
IMAGE = "11111111-2222-4333-8444-555555555555"
GOOD = f"2026-01-02T10:00:00Z,ACME,,{IMAGE},"
CASES = Path(__file__).parents[3] / "shared" / "cases" / "08-register"


def take(file: Path) -> tuple[int, str]:
    """Its status, and all that it said."""
    told = StringIO()
    try:
        call_command("disclosures", str(file), stdout=told, stderr=told)
    except CommandError as error:
        return error.returncode, f"{told.getvalue()}{error}"
    return 0, told.getvalue()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"9999-12-31T23:59:59,beta,,{IMAGE},", "shown_at lies outside the years 1 to 9999"),
        (f"9999-12-31T00:00:00Z,beta,,{IMAGE},", "shown_at lies outside the years 1 to 9999"),
        (f"0001-01-01T12:00:00Z,beta,,{IMAGE},", "shown_at lies outside the years 1 to 9999"),
        (f"0001-01-01T00:00:00+14:00,beta,,{IMAGE},", "shown_at lies outside the years 1 to 9999"),
        (f"02/01/2026 10:00,beta,,{IMAGE},", "shown_at is no time: write it as"),
        (f"1704010200000,beta,,{IMAGE},", "shown_at is no time"),
        (f"2026-01-02T25:00,beta,,{IMAGE},", "shown_at is no time"),
        (f",beta,,{IMAGE},", "shown_at is no time"),
        (f"2026-01-02T10:00:00,be\0ta,,{IMAGE},", "client holds a NUL character"),
        ("2026-01-02T10:00:00,beta,,,https://x.example/\0a", "address holds a NUL character"),
        ("2026-01-02T10:00:00,beta,,,https://x.example:99999/a", "address is no web address"),
        ("2026-01-02T10:00:00,beta,,,https://[::1/a", "address is no web address"),
        ("2026-01-02T10:00:00,beta,,,javascript:alert(1)", "address is no web address"),
        ('2026-01-02T10:00:00,beta,,,"data:image/png;base64,AAAA"', "address is no web address"),
        ("2026-01-02T10:00:00,beta,,,data:image/png;base64,AAAA", "it has 6 columns, the heading has 5"),
        (f"2026-01-02T10:00:00,beta,,,https://x.example/{'a' * 140_000}", "a field is longer"),
        (f"2026-01-02T10:00:00,beta,{'a' * 201},{IMAGE},", "agency is longer than 200 characters"),
        (f"2026-01-02T10:00:00,,,{IMAGE},", "client is empty"),
        ("2026-01-02T10:00:00,beta,,,", "it names no image: fill in image or address"),
        ("2026-01-02T10:00:00,beta,,12345,", "image is no id of an image (a UUID)"),
        (f"2026-01-02T10:00:00,b\xe9ta,,{IMAGE},".encode("latin-1"), "client is not UTF-8"),
        (f'2026-01-02T10:00:00,"beta,,{IMAGE},', "its quotes do not pair"),
        (f'2026-01-02T10:00:00,"be"ta",,{IMAGE},', "its quotes do not pair"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_taken(tmp_path: Path, line: str | bytes, told: str) -> None:
    middle = line if isinstance(line, bytes) else line.encode()
    after = GOOD.replace("ACME", "Émile")
    (file := tmp_path / "register").write_bytes(b"\n".join([HEADING.encode(), GOOD.encode(), middle, after.encode()]))
    status, said = take(file)
    assert f"skipped line 3: {told}" in said
    assert "2 lines added, 0 already there, 1 not taken" in said
    assert "Not taken: 1 of the lines" in said
    assert status == 1
    assert set(Disclosure.objects.values_list("client", flat=True)) == {"ACME", "Émile"}
    assert "beta" not in said


def test_many_open_quotes_cost_their_own_lines_alone(tmp_path: Path) -> None:
    lines = [GOOD.replace("ACME", f"c{n}" if n % 3 else f'"c{n}') for n in range(300)]
    (file := tmp_path / "register.csv").write_text("\n".join([HEADING, *lines]))
    status, said = take(file)
    assert "200 lines added, 0 already there, 100 not taken" in said
    assert status == 1


def test_an_open_quote_loses_no_line_behind_it(tmp_path: Path) -> None:
    """More of them than one field may hold."""
    lines = [f'2026-01-02T10:00:00Z,"open,,{IMAGE},', *(GOOD.replace("ACME", f"client {n}") for n in range(3000))]
    (file := tmp_path / "register.csv").write_text("\n".join([HEADING, *lines]))
    assert "skipped line 2: a field is longer" in (said := take(file)[1])
    assert "3000 lines added, 0 already there, 1 not taken" in said


def test_a_line_end_inside_quotes_is_of_the_field_and_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    two = GOOD.replace("ACME", '"ACME\r\nCorp"')
    (file := tmp_path / "register.csv").write_bytes("\r\n".join([HEADING, two, "", "bad", GOOD]).encode())
    assert "skipped line 5: it has 1 columns" in take(file)[1]
    assert set(Disclosure.objects.values_list("client", flat=True)) == {"ACME\r\nCorp", "ACME"}


def test_an_address_is_one_by_its_international_name_and_by_its_punycode(tmp_path: Path) -> None:
    for host in ("bücher.example", "xn--bcher-kva.example"):
        (file := tmp_path / "register.csv").write_text(f"{HEADING}\n2026-01-02T10:00Z,ACME,,,https://{host}/a\n")
        assert take(file)[0] == 0
    assert Disclosure.objects.count() == 1


MINUTE = datetime(2026, 1, 2, 10, tzinfo=UTC)
COUNT = int(MINUTE.timestamp())
BAD = b"caf\xe9"


def parquet(folder: Path, **changed: Any) -> Path:
    table = {
        "shown_at": pa.array([MINUTE] * 2, pa.timestamp("us", "UTC")),
        "client": ["ACME", "beta"],
        "image": [IMAGE] * 2,
        **changed,
    }
    pyarrow.parquet.write_table(pa.table(table), folder / "register.parquet")
    return folder / "register.parquet"


def text_of(*values: bytes) -> Any:
    """A column of text whose bytes nobody checked."""
    offsets = [0]
    for value in values:
        offsets.append(offsets[-1] + len(value))
    buffers = [None, pa.py_buffer(struct.pack(f"<{len(offsets)}i", *offsets)), pa.py_buffer(b"".join(values))]
    return pa.StringArray.from_buffers(len(values), buffers[1], buffers[2])


@pytest.mark.parametrize(
    "changed",
    [
        {"client": pa.array([b"ACME", b"beta"])},
        {"client": pa.array(["ACME", "beta"]).dictionary_encode()},
        {"client": pa.array(["ACME", "beta"], pa.large_string())},
        {"client": pa.array(["ACME", "beta"], pa.string_view())},
        {"client": pa.array([b"ACME", b"beta"], pa.binary(4))},
        {"image": pa.array([UUID(IMAGE).bytes] * 2, pa.uuid())},
        {"image": pa.array([UUID(IMAGE).bytes] * 2, pa.binary(16))},
        {"image": pa.array([UUID(IMAGE).bytes] * 2)},
        {"image": pa.array([IMAGE.encode()] * 2)},
        {"shown_at": pa.array([COUNT] * 2, pa.timestamp("s", "UTC"))},
        {"shown_at": pa.array([COUNT * 10**3] * 2, pa.timestamp("ms", "Asia/Tokyo"))},
        {"shown_at": pa.array([COUNT * 10**9 + 1] * 2, pa.timestamp("ns", "+02:00"))},
        {"shown_at": ["2026-01-02T05:00:00-05:00", "2026-01-02 10:00Z"]},
        {"shown_at": pa.array([COUNT - 5 * 3600] * 2, pa.timestamp("s"))},
        {"agency": pa.nulls(2)},
        {"agency": pa.array([None, ""])},
    ],
)
def test_parquet_is_read_whatever_engine_wrote_it(tmp_path: Path, changed: dict[str, Any]) -> None:
    status, said = take(parquet(tmp_path, **changed))
    assert (status, said.strip()) == (0, "2 lines added, 0 already there, 0 not taken")
    found = Disclosure.objects.order_by("client").values_list("client", "image_id", "shown_at")
    assert list(found) == [("ACME", UUID(IMAGE), MINUTE), ("beta", UUID(IMAGE), MINUTE)]


def test_a_day_begins_where_the_operator_is(tmp_path: Path) -> None:
    take(parquet(tmp_path, shown_at=[date(2026, 1, 2)] * 2))
    assert set(Disclosure.objects.values_list("shown_at", flat=True)) == {datetime(2026, 1, 2, 5, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"client": pa.array([b"ACME", BAD])}, "client is not UTF-8"),
        ({"client": text_of(b"ACME", BAD)}, "client is not UTF-8"),
        ({"client": text_of(b"ACME", BAD).dictionary_encode()}, "client is not UTF-8"),
        ({"client": pa.array([b"ACME", b"a\0\0\0"], pa.binary(4))}, "client holds a NUL character"),
        ({"client": ["ACME", None]}, "client is empty"),
        ({"client": ["ACME", "a\0b"]}, "client holds a NUL character"),
        ({"image": pa.array([UUID(IMAGE).bytes, b"fifteen bytes.."])}, "image is no id of an image"),
        ({"image": [IMAGE, None]}, "it names no image"),
        ({"shown_at": pa.array([COUNT, 2**50], pa.timestamp("s"))}, "shown_at lies outside the years 1 to 9999"),
        ({"shown_at": pa.array([COUNT * 10**3, 253402300800000], pa.timestamp("ms"))}, "shown_at lies outside"),
        ({"shown_at": pa.array([0, -(2**62)], pa.timestamp("us"))}, "shown_at lies outside the years 1 to 9999"),
        ({"shown_at": pa.array([0, 2**31 - 1], pa.date32())}, "shown_at lies outside the years 1 to 9999"),
        ({"shown_at": pa.array([MINUTE, None])}, "shown_at is no time"),
    ],
)
def test_a_bad_row_of_parquet_is_named_and_the_other_is_taken(
    tmp_path: Path, changed: dict[str, Any], told: str
) -> None:
    status, said = take(parquet(tmp_path, **changed))
    assert f"skipped row 2: {told}" in said
    assert "1 lines added, 0 already there, 1 not taken" in said
    assert status == 1
    assert Disclosure.objects.get().client == "ACME"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"client": [{"name": "ACME"}] * 2}, "the column client holds struct<name: string>, but must hold text."),
        ({"client": [["ACME"]] * 2}, "the column client holds list"),
        ({"client": [1, 2]}, "the column client holds int64"),
        ({"image": [1, 2]}, "the column image holds int64, but must hold text or bytes or UUIDs."),
        ({"shown_at": [COUNT * 1000] * 2}, "the column shown_at holds int64, but must hold text or dates or times."),
        ({"shown_at": [1.5, 2.5]}, "the column shown_at holds double"),
        ({"shown_at": pa.array([0, 0], pa.duration("s"))}, "the column shown_at holds duration[s]"),
        ({"shown_at": pa.array([0, 0], pa.timestamp("s", "Mars/Olympus"))}, "shown_at is of an unknown time zone"),
        ({"Client": ["a", "b"]}, "has the column client more than once"),
    ],
)
def test_a_column_that_leaves_doubt_is_named(tmp_path: Path, changed: dict[str, Any], told: str) -> None:
    status, said = take(parquet(tmp_path, **changed))
    assert told in said
    assert status == 1
    assert not Disclosure.objects.exists()


def test_what_stands_before_the_damage_is_kept(tmp_path: Path) -> None:
    file = parquet(tmp_path)
    content = bytearray(file.read_bytes())
    content[20:120] = bytes(100)
    file.write_bytes(content)
    status, said = take(file)
    assert "is damaged behind row 0; what stands before is kept. 0 lines were taken." in said
    assert status == 1


@pytest.mark.realfaces
@pytest.mark.parametrize(
    ("name", "status", "told"),
    [
        ("badport.csv", 1, "line 2: address is no web address"),
        ("binary.parquet", 0, "3 lines added"),
        ("crlfquoted.csv", 0, "1 lines added"),
        ("cronly.csv", 0, "1 lines added"),
        ("date32.parquet", 0, "3 lines added"),
        ("dict.parquet", 0, "3 lines added"),
        ("dupcase.parquet", 1, "has the column client more than once"),
        ("epochms.parquet", 1, "the column shown_at holds int64"),
        ("excel.csv", 1, "line 2: shown_at is no time"),
        ("idn.csv", 1, "1 lines added, 0 already there, 2 not taken"),
        ("longfield.csv", 1, "line 2: a field is longer"),
        ("max.csv", 1, "1 lines added, 0 already there, 1 not taken"),
        ("ns.parquet", 0, "3 lines added"),
        ("nul.csv", 1, "line 2: client holds a NUL"),
        ("nuladdr.csv", 1, "line 2: address holds a NUL"),
        ("semicolon.csv", 0, "1 lines added"),
        ("utf16.csv", 0, "1 lines added"),
        ("uuidext.parquet", 0, "3 lines added"),
        ("year10000.parquet", 1, "0 lines added, 0 already there, 3 not taken"),
    ],
)
def test_what_users_reported(name: str, status: int, told: str) -> None:
    found = take(CASES / name)
    assert told in found[1]
    assert found[0] == status
    assert "?" not in Disclosure.objects.values_list("client", flat=True)
