"""The table of labels is read strictly, and a fault in it is told by its line, never by a file or a name."""

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from matching.calibration import labels
from matching.errors import BadTable
from matching.types import Fault

NOT_THERE = "skipped line 5: its file is not there; --photos says in which folder the files are"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("a1", "a2", "b1", "c1"):
        (tmp_path / f"{name}.jpg").write_bytes(name.encode())
    (tmp_path / "copy.jpg").write_bytes(b"a1")
    return tmp_path


def read(folder: Path, text: str, told: list[str] | None = None) -> list[labels.Photo]:
    (table := folder / "labels.csv").write_text(text, encoding="utf-8")
    found: list[str] = []
    photos = labels.read(table, folder, lambda fault: found.append(str(fault)))
    assert found == (told or [])
    return photos


def unexpected(fault: Fault) -> None:
    pytest.fail(str(fault))


def test_it_reads_file_identity_and_group(photos: Path) -> None:
    found = read(photos, "file,identity,group\na1.jpg,anna,x\na2.jpg, anna ,x\nb1.jpg,ben,\nc1.jpg,,y\n")
    assert [(photo.line, photo.identity, photo.group) for photo in found] == [
        (2, "anna", "x"),
        (3, "anna", "x"),
        (4, "ben", ""),
        (5, "", "y"),
    ]


def test_it_needs_no_group_and_takes_a_spreadsheets_mark(photos: Path) -> None:
    assert len(read(photos, "\ufefffile,identity\na1.jpg,anna\na2.jpg,anna\nb1.jpg,ben\n")) == 3


SAME = "file,identity,group\na1.jpg,Zoë,\na2.jpg,Zoë,\nb1.jpg,ben,\n"


@pytest.mark.parametrize(
    "content",
    [SAME.encode("utf-16"), SAME.replace(",", ";").encode(), SAME.replace("\n", "\r").encode("utf-8-sig"), None],
)
def test_it_is_read_however_it_was_saved(photos: Path, content: bytes | None) -> None:
    table = photos / "labels"
    if content is None:
        columns = {"File": ["a1.jpg", "a2.jpg", "b1.jpg"], "identity": [1, 1, 2]}
        pyarrow.parquet.write_table(pa.table(columns), table)
    else:
        table.write_bytes(content)
    found = labels.read(table, photos, lambda fault: pytest.fail(str(fault)))
    assert [photo.identity for photo in found] == (["Zoë", "Zoë", "ben"] if content else ["1", "1", "2"])
    assert found[0].place == ("line 2" if content else "row 1")


def test_it_counts_a_copied_photo_once(photos: Path) -> None:
    found = read(photos, "file,identity\na1.jpg,anna\ncopy.jpg,anna\na2.jpg,anna\nb1.jpg,ben\n")
    assert [photo.line for photo in found] == [2, 4, 5]


def test_it_reads_set_and_family(photos: Path) -> None:
    found = read(photos, "file,identity,set,family\na1.jpg,anna,x,\na2.jpg,anna,x,\nb1.jpg,ben,y,smith\n")
    assert [(photo.set, photo.family) for photo in found] == [("x", ""), ("x", ""), ("y", "smith")]


def test_a_photo_with_a_wrong_label_is_left_out_by_its_digest(photos: Path) -> None:
    digest = hashlib.sha256(b"b1").hexdigest()
    (photos / "excluded.csv").write_text(f"sha256,reason\n{digest},Somebody else is the largest.\n")
    (table := photos / "labels.csv").write_text("file,identity\na1.jpg,anna\na2.jpg,anna\nb1.jpg,ben\nc1.jpg,cleo\n")
    found = labels.read(table, photos, unexpected, excluded=labels.excluded(photos / "excluded.csv", unexpected))
    assert [photo.identity for photo in found] == ["anna", "anna", "cleo"]


def test_pairs_of_relatives_are_read_either_way_about(photos: Path) -> None:
    (table := photos / "kin.csv").write_text("identity_1,identity_2\nanna,ben\nben,anna\n")
    assert labels.kin(table, unexpected) == {frozenset(("anna", "ben"))}


def test_a_fault_in_the_other_tables_is_one_sentence_too(photos: Path) -> None:
    (table := photos / "others.csv").write_text("one,two\n")
    with pytest.raises(BadTable, match="identity_1"):
        labels.kin(table, unexpected)
    with pytest.raises(BadTable, match="sha256"):
        labels.excluded(table, unexpected)
    with pytest.raises(BadTable, match=r"none\.csv"):
        labels.excluded(photos / "none.csv", unexpected)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("b1.jpg\n", ["skipped line 5: it has 1 columns, the heading has 2"]),
        (",ben\n", ["skipped line 5: file is empty"]),
        ("anna\0.jpg,anna\n", ["skipped line 5: file holds a NUL character: take it out"]),
        ("c1.jpg,an\0na\n", ["skipped line 5: identity holds a NUL character: take it out"]),
        ('"anna,ben\n', ["skipped line 5: its quotes do not pair: write a quote inside a quoted field twice"]),
        (f"{'anna' * 200},anna\n", [NOT_THERE]),
        ("anna-at-home.jpg,anna\n", [NOT_THERE]),
        (
            "c1.jpg,anna\nsame.jpg,ben\n",
            [
                "skipped line 5: its photo has another identity in line 6",
                "skipped line 6: its photo has another identity in line 5",
            ],
        ),
    ],
)
def test_a_bad_line_is_told_without_names_and_the_others_are_taken(photos: Path, lines: str, told: list[str]) -> None:
    (photos / "same.jpg").write_bytes(b"c1")
    found = read(photos, f"file,identity\na1.jpg,anna\na2.jpg,anna\nb1.jpg,ben\n{lines}", told)
    assert [photo.line for photo in found] == [2, 3, 4]


def test_a_number_for_a_person_counts_to_its_last_digit(photos: Path) -> None:
    one, other = "12345678901234567891", "12345678901234567892"
    found = read(photos, f'"file","identity"\na1.jpg,{one}\na2.jpg,{one}\nb1.jpg,{other}\n')
    assert [photo.identity for photo in found] == [one, one, other]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("photo,name\na1.jpg,anna\n", "lacks the columns file, identity"),
        ("", "is empty"),
        ("file,identity\na1.jpg,anna\na2.jpg,anna\n", "fewer than two people an identity"),
        ("file,identity\na1.jpg,anna\nb1.jpg,ben\n", "no two photos of one person"),
    ],
)
def test_a_fault_is_one_sentence_without_names(photos: Path, text: str, sentence: str) -> None:
    with pytest.raises(BadTable) as caught:
        read(photos, text)
    assert sentence in str(caught.value)
    assert "anna" not in str(caught.value)


def test_a_table_that_is_no_text_or_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\xff")
    with pytest.raises(BadTable, match="lacks the columns"):
        labels.read(tmp_path / "labels.csv", tmp_path, print)
    with pytest.raises(BadTable, match="cannot be read: No such file"):
        labels.read(tmp_path / "nowhere.csv", tmp_path, print)
