"""The table of labels is read strictly, and a fault in it is told by its line, never by a file or a name."""

import hashlib
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


def test_it_reads_set_and_family(photos: Path) -> None:
    found = read(photos, "file,identity,set,family\na1.jpg,anna,x,\na2.jpg,anna,x,\nb1.jpg,ben,y,smith\n")
    assert [(photo.set, photo.family) for photo in found] == [("x", ""), ("x", ""), ("y", "smith")]


def test_a_photo_with_a_wrong_label_is_left_out_by_its_digest(photos: Path) -> None:
    digest = hashlib.sha256(b"b1").hexdigest()
    (photos / "excluded.csv").write_text(f"sha256,reason\n{digest},Somebody else is the largest.\n")
    (table := photos / "labels.csv").write_text("file,identity\na1.jpg,anna\na2.jpg,anna\nb1.jpg,ben\nc1.jpg,cleo\n")
    found = labels.read(table, photos, excluded=labels.excluded(photos / "excluded.csv"))
    assert [photo.identity for photo in found] == ["anna", "anna", "cleo"]


def test_pairs_of_relatives_are_read_either_way_about(photos: Path) -> None:
    (table := photos / "kin.csv").write_text("identity_1,identity_2\nanna,ben\nben,anna\n")
    assert labels.kin(table) == {frozenset(("anna", "ben"))}


def test_a_fault_in_the_other_tables_is_one_sentence_too(photos: Path) -> None:
    (table := photos / "others.csv").write_text("one,two\n")
    with pytest.raises(BadLabels, match="The table of relatives needs a heading with the columns identity_1 and"):
        labels.kin(table)
    with pytest.raises(BadLabels, match="The list of exclusions needs a heading with the columns sha256 and reason"):
        labels.excluded(table)
    with pytest.raises(BadLabels, match="There is no list of exclusions at"):
        labels.excluded(photos / "none.csv")


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
