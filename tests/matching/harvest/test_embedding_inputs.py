"""Ready embeddings from any engine: ids to the last digit, every kind of column, and one bad row stops no other."""

import hashlib
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from django.core.management import CommandError, call_command

from matching.faces import packs
from matching.models import HarvestedImage
from tests.matching import builders
from tests.matching.harvest.test_harvest_embeddings import columns, parquet

pytestmark = pytest.mark.django_db

IDS = ["12345678901234567891", "12345678901234567892", "007", "7"]
PAGE = "https://photos.example/café"
HEADING = "image,page,harvested_on,box"
CASES = Path(__file__).parents[4] / "shared" / "cases"


def harvest(*arguments: str | Path) -> tuple[int, str]:
    """Its status, and all that it said."""
    told = StringIO()
    try:
        call_command("harvest_embeddings", *map(str, arguments), stdout=told, stderr=told)
    except CommandError as error:
        return error.returncode, f"{told.getvalue()}{error}"
    return 0, told.getvalue()


def beside(folder: Path, table: bytes | str, *, rows: int = len(IDS)) -> tuple[int, str]:
    np.save(folder / "v.npy", builders.unit_rows(rows))
    (folder / "ids").write_bytes(table if isinstance(table, bytes) else table.encode())
    return harvest(folder / "v.npy", "--ids", folder / "ids", "--recogniser", packs.chosen().recogniser_sha256)


def digests_of(*ids: str) -> set[bytes]:
    return {hashlib.sha256(b"image id\0" + each.encode()).digest() for each in ids}


def kept() -> set[bytes]:
    return set(map(bytes, HarvestedImage.objects.values_list("file_digest", flat=True)))


PLAIN = "\n".join([HEADING, *(f"{each},{PAGE},2026-01-02,1 2 90 95" for each in IDS)]) + "\n"
QUOTED = PLAIN.replace(HEADING, '"image","page","harvested_on","box"')


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        QUOTED.encode(),
        QUOTED.encode("utf-8-sig"),
        "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in PLAIN.split("\n")[:-1]).encode(),
        PLAIN.replace(HEADING, "image, page, harvested_on, box").encode(),
        PLAIN.replace(HEADING, 'Image, "PAGE", Harvested_On ,box').encode(),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        PLAIN.encode("utf-16"),
    ],
)
def test_ids_stay_text_to_the_last_digit_however_the_table_was_saved(tmp_path: Path, content: bytes) -> None:
    status, said = beside(tmp_path, content)
    assert (status, "4 images with 4 faces added" in said) == (0, True), said
    assert kept() == digests_of(*IDS)


def test_ids_differ_wherever_their_characters_do(tmp_path: Path) -> None:
    ids = ["a", "A", "é", "e\u0301", "a\nb", "1e5", "100000", "0x10", "1.0", "1", "NULL", "nan", "-0", "0"]
    lines = "".join(f'"{each}",{PAGE},2026-01-02,1 2 90 95\n' for each in ids)
    assert beside(tmp_path, f"{HEADING}\n{lines}", rows=len(ids))[0] == 0
    assert kept() == digests_of(*ids)


@pytest.mark.parametrize(
    ("image", "text"),
    [
        (pa.array([2**64 - 1, 7], pa.uint64()), [str(2**64 - 1), "7"]),
        (pa.array([10**37 + 1, 7], pa.decimal128(38, 0)), [str(10**37 + 1), "7"]),
        (pa.array([b"caf\xc3\xa9", b"7"]), ["café", "7"]),
        (pa.array([UUID(int=1).bytes, UUID(int=2).bytes], pa.uuid()), [str(UUID(int=1)), str(UUID(int=2))]),
        (pa.array([UUID(int=1).bytes, UUID(int=2).bytes], pa.binary(16)), [str(UUID(int=1)), str(UUID(int=2))]),
        (pa.array(["a", "b"], pa.string_view()), ["a", "b"]),
        (pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
    ],
)
def test_an_id_in_parquet_is_the_same_as_its_text(tmp_path: Path, image: Any, text: list[str]) -> None:
    file = parquet(tmp_path / "faces.parquet", columns(builders.unit_rows(2), image=image))
    assert harvest(file)[0] == 0
    assert kept() == digests_of(*text)


def lists(kind: Any, rows: Any) -> Any:
    return pa.array([[float(number) for number in row] for row in rows], kind)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("embedding", lambda rows: lists(pa.list_(pa.float64()), rows)),
        ("embedding", lambda rows: lists(pa.large_list(pa.float32()), rows)),
        ("embedding", lambda rows: lists(pa.list_view(pa.float32()), rows)),
        ("embedding", lambda rows: lists(pa.list_(pa.float64(), 128), rows)),
        ("embedding", lambda rows: pa.array([list(row.astype(np.float16)) for row in rows], pa.list_(pa.float16()))),
        ("embedding", lambda rows: pa.array([row.tobytes() for row in rows], pa.binary(512))),
        ("embedding", lambda rows: pa.array([row.tobytes() for row in rows], pa.large_binary())),
        ("embedding", lambda rows: pa.array([row.tobytes() for row in rows], pa.binary_view())),
        ("harvested_on", lambda rows: pa.array([date(2021, 3, 4)] * 2, pa.date64())),
        ("harvested_on", lambda rows: pa.array([1614816000 * 10**9 + 1] * 2, pa.timestamp("ns"))),
        ("harvested_on", lambda rows: pa.array([1614816000] * 2, pa.timestamp("s", "UTC"))),
        ("harvested_on", lambda rows: pa.array([b"2021-03-04"] * 2)),
        ("harvested_on", lambda rows: ["2021-03-04T23:59:59Z"] * 2),
        ("box", lambda rows: pa.array([[1.4, 2, 3, 4]] * 2, pa.list_(pa.float32(), 4))),
        ("box", lambda rows: ["1 2 3 4"] * 2),
        ("score", lambda rows: ["0.5", ""]),
        ("score", lambda rows: pa.array([1, None])),
        ("country", lambda rows: pa.nulls(2)),
        ("file_digest", lambda rows: pa.array([bytes(32)] * 2, pa.binary(32))),
        ("file_digest", lambda rows: ["00" * 32, None]),
    ],
)
def test_columns_are_read_whatever_engine_wrote_them(tmp_path: Path, name: str, made: Any) -> None:
    rows = builders.unit_rows(2)
    table = columns(rows, image=["a", "b"], page=["https://x.example/a", "https://x.example/b"], **{name: made(rows)})
    assert "2 images with 2 faces added" in harvest(parquet(tmp_path / "faces.parquet", table))[1]
    assert set(HarvestedImage.objects.values_list("harvested_on", flat=True)) == {date(2021, 3, 4)}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"embedding": [[0.5] * 128, None]}, "embedding is empty"),
        ({"embedding": [[0.5] * 128, [0.5] * 127]}, "embedding has 127 numbers, but those of the pack have 128"),
        ({"embedding": [[0.5] * 128, [0.5] * 127 + [None]]}, "embedding is no direction"),
        ({"embedding": [[0.5] * 128, [1e300] * 128]}, "embedding is no direction"),
        ({"embedding": [[0.5] * 128, [0.0] * 128]}, "embedding is no direction"),
        ({"embedding": pa.array([[0.5] * 128, None], pa.list_(pa.float32(), 128))}, "embedding is empty"),
        ({"embedding": [b"0" * 512, None]}, "embedding is empty"),
        ({"embedding": [b"0" * 512, b"0" * 511]}, "embedding has 511 bytes, but 512 or 256 are needed"),
        ({"harvested_on": pa.array([0, 2**31 - 1], pa.date32())}, "harvested_on lies outside the years 1 to 9999"),
        ({"harvested_on": pa.array([0, 2**50], pa.timestamp("s"))}, "harvested_on lies outside the years 1 to 9999"),
        ({"harvested_on": pa.array([0, None], pa.date32())}, "harvested_on is no day"),
        ({"harvested_on": ["2021-03-04", "2021-03-04 and more"]}, "harvested_on is no day"),
        ({"harvested_on": ["2021-03-04", "1704010200000"]}, "harvested_on is no day"),
        ({"image": pa.array([b"a", b"\xff"])}, "image is not UTF-8"),
        ({"image": ["a", "b\0"]}, "image holds a NUL character"),
        ({"image": ["a", " "]}, "it names no image: fill in image or file_digest"),
        ({"page": pa.array([b"https://x.example/a", b"https://x.example/\xe9"])}, "page is not UTF-8"),
        ({"file_digest": ["00" * 32, "00" * 31 + " 00"]}, "file_digest is no SHA-256"),
        ({"file_digest": [bytes(32), bytes(31)]}, "file_digest is no SHA-256"),
    ],
)
def test_a_bad_row_is_named_and_the_others_enter(tmp_path: Path, changed: dict[str, Any], told: str) -> None:
    two = {"image": ["a", "b"], "page": ["https://x.example/a", "https://x.example/b"], **changed}
    status, said = harvest(parquet(tmp_path / "faces.parquet", columns(builders.unit_rows(2), **two)))
    assert f"skipped row 2: {told}" in said
    assert status == 1
    assert "1 images with 1 faces added" in said


def test_dates_that_nanoseconds_cannot_tell_are_what_they_were(tmp_path: Path) -> None:
    """Spark and Impala write INT96, which turned over in 2262 when it was read in nanoseconds."""
    days = pa.array([datetime(2021, 3, 4, tzinfo=UTC), datetime(2500, 1, 2, tzinfo=UTC)], pa.timestamp("us"))
    table = pa.table(columns(builders.unit_rows(2), image=["a", "b"], harvested_on=days))
    file = tmp_path / "faces.parquet"
    pyarrow.parquet.write_table(table, file, use_deprecated_int96_timestamps=True, store_schema=False)
    assert harvest(file, "--recogniser", recogniser())[0] == 0
    found = HarvestedImage.objects.order_by("harvested_on").values_list("harvested_on", flat=True)
    assert list(found) == [date(2021, 3, 4), date(2500, 1, 2)]


def test_a_bad_row_among_those_of_one_image_is_named(tmp_path: Path) -> None:
    rows = columns(builders.unit_rows(2), country=["fr", "FRA"])
    status, said = harvest(parquet(tmp_path / "faces.parquet", rows))
    assert "skipped row 2: country is no country code" in said
    assert "1 images with 1 faces added" in said
    assert status == 1


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"x,{PAGE},2026-01-02,1 2 90", "box must hold four numbers"),
        (f"x,{PAGE},2026-01-02,1 2 90 9_5", "box is no number"),
        (f"x,{PAGE},2026-01-02,1 2 90 inf", "box is no number"),
        (f"x,{PAGE},2026-01-02", "it has 3 columns, the heading has 4"),
        (f"x,{PAGE},2026-01-02,1 2 90 95,more", "it has 5 columns, the heading has 4"),
        (f'x,"{PAGE},2026-01-02,1 2 90 95', "its quotes do not pair"),
        (f"x,{PAGE},2026-01-02,1 2 90 95".encode("latin-1"), "page is not UTF-8: save the file as UTF-8"),
        (f",{PAGE},2026-01-02,1 2 90 95", "it names no image"),
    ],
)
def test_a_bad_line_keeps_its_row_of_the_array(tmp_path: Path, line: str | bytes, told: str) -> None:
    """What follows it bears its own embedding, not that of the line before."""
    middle = line if isinstance(line, bytes) else line.encode()
    good = [f"{each},{PAGE},2026-01-02,1 2 90 95".encode() for each in ("a", "b")]
    status, said = beside(tmp_path, b"\n".join([HEADING.encode(), good[0], middle, good[1]]), rows=3)
    assert f"skipped line 3: {told}" in said
    assert status == 1
    (digest,) = digests_of("b")
    face = HarvestedImage.objects.get(file_digest=digest).faces.get()
    assert np.array(face.embedding) @ builders.unit_rows(3)[2] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("rows", [3, 5])
def test_a_table_of_another_length_than_the_array_is_refused_before_anything_enters(tmp_path: Path, rows: int) -> None:
    status, said = beside(tmp_path, PLAIN, rows=rows)
    assert f"ids has 4 rows, but v.npy has {rows}." in said
    assert status == 1
    assert not HarvestedImage.objects.exists()


def array(folder: Path, made: Any) -> Path:
    made(folder / "v.npy")
    return folder / "v.npy"


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda file: file.touch(), "is no NumPy array"),
        (lambda file: file.write_bytes(b"\x93NUMPY"), "is no NumPy array"),
        (lambda file: np.save(file, np.array([{}], object)), "is no NumPy array"),
        (lambda file: zipped(file), "is no NumPy array"),
        (lambda file: np.save(file, np.zeros(4)), "must be a table of floating-point numbers"),
        (lambda file: np.save(file, np.zeros((4, 128), np.int8)), "must be a table of floating-point numbers"),
        (lambda file: np.save(file, np.zeros((4, 64))), "have 64 numbers, but those of the pack have 128"),
        (lambda file: None, "is no NumPy array"),
    ],
)
def test_an_array_that_is_none_is_one_sentence(tmp_path: Path, made: Any, told: str) -> None:
    (tmp_path / "ids.csv").write_text(PLAIN)
    status, said = harvest(array(tmp_path, made), "--ids", tmp_path / "ids.csv", "--recogniser", recogniser())
    assert told in said
    assert status == 1


def zipped(file: Path) -> None:
    with file.open("wb") as out:
        np.savez(out, np.zeros((4, 128)))


def recogniser() -> str:
    return packs.chosen().recogniser_sha256


@pytest.mark.realfaces
@pytest.mark.parametrize(
    ("name", "status", "told"),
    [
        ("binstr", 0, "4 images with 4 faces added"),
        ("country", 1, "row 1: country is no country code"),
        ("datenull", 1, "3 rows skipped"),
        ("dict", 0, "4 images with 4 faces added"),
        ("dup", 1, "has the column page more than once"),
        ("empty", 0, "0 images with 0 faces added"),
        ("fardate", 0, "4 images with 4 faces added"),
        ("fsbin", 0, "4 images with 4 faces added"),
        ("fsl64", 0, "4 images with 4 faces added"),
        ("half", 0, "4 images with 4 faces added"),
        ("idfloat", 1, "the column image holds double"),
        ("int96", 0, "4 images with 4 faces added"),
        ("large", 0, "4 images with 4 faces added"),
        ("nan", 1, "embedding is no direction"),
        ("nsdate", 0, "4 images with 4 faces added"),
        ("nullin", 1, "embedding is no direction"),
        ("nullvec", 1, "embedding is empty"),
        ("structbox", 1, "the column box holds struct"),
        ("strview", 0, "4 images with 4 faces added"),
        ("upper", 0, "4 images with 4 faces added"),
    ],
)
def test_what_users_reported(name: str, status: int, told: str) -> None:
    found = harvest(CASES / "06-embeddings" / f"{name}.parquet")
    assert told in found[1]
    assert found[0] == status


@pytest.mark.realfaces
@pytest.mark.parametrize(
    "name", ["arrow", "bom", "bomquoted", "crlf", "latin1", "newline", "plain", "quoted", "semicolon", "spaces"]
)
def test_what_users_reported_of_tables_beside_an_array(name: str) -> None:
    folder = CASES / "07-npy-csv"
    status, said = harvest(folder / "v.npy", "--ids", folder / f"{name}.csv", "--recogniser", recogniser())
    if name == "latin1":
        assert [f"line {n}: page is not UTF-8" in said for n in (2, 3, 4)] == [True] * 3
        assert status == 1
    else:
        assert (status, "3 images with 3 faces added" in said) == (0, True)
        assert kept() == (digests_of("a\nb", "c", "d") if name == "newline" else digests_of(*IDS[:3]))
