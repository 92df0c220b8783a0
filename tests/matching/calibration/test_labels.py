"""The table of labels is read strictly, and a fault in it is told by its line, never by a file or a name."""

from pathlib import Path

import pytest

from matching.calibration import labels
from matching.calibration.labels import BadLabels


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("a1", "a2", "b1", "c1"):
        (tmp_path / f"{name}.jpg").write_bytes(name.encode())
    (tmp_path / "copy.jpg").write_bytes(b"a1")
    return tmp_path


def read(folder: Path, text: str) -> list[labels.Photo]:
    (table := folder / "labels.csv").write_text(text, encoding="utf-8")
    return labels.read(table, folder)


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


def test_it_counts_a_copied_photo_once(photos: Path) -> None:
    found = read(photos, "file,identity\na1.jpg,anna\ncopy.jpg,anna\na2.jpg,anna\nb1.jpg,ben\n")
    assert [photo.line for photo in found] == [2, 4, 5]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("photo,name\na1.jpg,anna\n", "needs a heading with the columns file and identity"),
        ("", "needs a heading"),
        ("file,identity\na1.jpg,anna\nb1.jpg\n", "Line 3 of the table has no file, or fewer columns"),
        ("file,identity\na1.jpg,anna\n,ben\n", "Line 3 of the table has no file"),
        ("file,identity\na1.jpg,anna\nanna-at-home.jpg,anna\n", "Line 3 of the table names a file that is not there"),
        ("file,identity\na1.jpg,anna\ncopy.jpg,ben\n", "Lines 2 and 3 of the table give one photo two identities"),
        ("file,identity\na1.jpg,anna\na2.jpg,anna\n", "fewer than two people an identity"),
        ("file,identity\na1.jpg,anna\nb1.jpg,ben\n", "no two photos of one person"),
    ],
)
def test_a_fault_is_one_sentence_without_names(photos: Path, text: str, sentence: str) -> None:
    with pytest.raises(BadLabels) as caught:
        read(photos, text)
    assert sentence in str(caught.value)
    assert "anna" not in str(caught.value)


def test_a_table_that_is_no_text_or_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(b"\xff\xfe\x00f")
    with pytest.raises(BadLabels, match="not a CSV file in UTF-8"):
        labels.read(tmp_path / "labels.csv", tmp_path)
    with pytest.raises(BadLabels, match="no table of labels"):
        labels.read(tmp_path / "nowhere.csv", tmp_path)
