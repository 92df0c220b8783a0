"""`manage.py harvest_embeddings`: Parquet, or an array beside a table; with provenance, and again where it stopped."""

from collections.abc import Sequence
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from django.core.management import CommandError, call_command

from matching import service
from matching.faces import packs
from matching.harvest import embedding_files
from matching.models import Face, HarvestedImage
from matching.types import Embeddings, Store
from tests.matching import builders

pytestmark = pytest.mark.django_db


def columns(rows: Embeddings, **changed: Sequence[Any] | None) -> dict[str, Any]:
    """Two faces of each image, each image on a page of its own."""
    count = len(rows)
    every: dict[str, Any] = {
        "image": [f"photo-{n // 2}" for n in range(count)],
        "page": [f"https://photos.example/{n // 2}" for n in range(count)],
        "harvested_on": [date(2021, 3, 4)] * count,
        "country": ["fr"] * count,
        "box": [[n, 0, n + 20, 30] for n in range(count)],
        "embedding": pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1]),
        **changed,
    }
    return {name: values for name, values in every.items() if values is not None}


def parquet(file: Path, table: dict[str, Any]) -> Path:
    named = pa.table(table).replace_schema_metadata({"recogniser_sha256": packs.chosen().recogniser_sha256})
    pyarrow.parquet.write_table(named, file)
    return file


def harvest(*arguments: str | Path) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("harvest_embeddings", *map(str, arguments), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def harvest_but_some(*arguments: str | Path) -> tuple[str, str]:
    """Where some rows are refused, the command ends with another status than 0."""
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError, match="Not taken"):
        call_command("harvest_embeddings", *map(str, arguments), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_faces_are_found_with_where_they_are_from(tmp_path: Path) -> None:
    rows = builders.unit_rows(6)
    out, _ = harvest(parquet(tmp_path / "faces.parquet", columns(rows * 3)))  # of any length
    assert "3 images with 6 faces added" in out
    (match,) = service.search(rows[3:4]).matches
    assert match.similarity == pytest.approx(1, abs=1e-3)
    found = service.provenance_of([match.image_id])[match.image_id]
    assert (found.page, found.site, found.country) == ("https://photos.example/1", "photos.example", "FR")
    assert found.harvested_on == date(2021, 3, 4)
    assert Face.objects.get(pk=match.face_id).box_left == 3
    assert service.preview(match.image_id, match.face_id, clear=True) is None
    assert not service.present(match.image_id, Store.IMAGES)


def test_a_second_run_adds_nothing(tmp_path: Path) -> None:
    file = parquet(tmp_path / "faces.parquet", columns(builders.unit_rows(6)))
    harvest(file)
    out, _ = harvest(file)
    assert "0 images with 0 faces added, 3 with 6 faces already there" in out
    assert (HarvestedImage.objects.count(), service.index_size()) == (3, 6)


def test_an_image_is_never_cut_in_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding_files, "PIECE", 5)  # ends inside the third image, inside the fifth ...
    out, _ = harvest(parquet(tmp_path / "faces.parquet", columns(builders.unit_rows(24))))
    assert "12 images with 24 faces added" in out


@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_embeddings_may_be_bytes(tmp_path: Path, kind: Any) -> None:
    rows = builders.unit_rows(2)
    harvest(parquet(tmp_path / "f.parquet", columns(rows, embedding=[row.astype(kind).tobytes() for row in rows])))
    assert len(service.search(rows[:1]).matches) == 1


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_an_array_comes_with_a_table(tmp_path: Path, ending: str) -> None:
    rows = builders.unit_rows(4)
    np.save(tmp_path / "rows.npy", rows.astype(np.float16))
    boxes = ["1 2 30 40"] * 4 if ending == "csv" else [[1, 2, 30, 40]] * 4
    table = pa.table(columns(rows, embedding=None, box=boxes))
    write = pyarrow.csv.write_csv if ending == "csv" else pyarrow.parquet.write_table
    write(table, tmp_path / f"ids.{ending}")
    model = packs.chosen().recogniser_sha256
    out, _ = harvest(tmp_path / "rows.npy", "--ids", tmp_path / f"ids.{ending}", "--recogniser", model)
    assert "2 images with 4 faces added" in out
    assert len(service.search(rows[2:3]).matches) == 1


def test_bad_rows_are_named_and_the_others_enter(tmp_path: Path) -> None:
    rows = builders.unit_rows(6)
    rows[0, 0], rows[3] = np.nan, 0
    dates = ["2021-03-04", "2021-03-04", "2021-03-04", "2021-03-04", "soon", "soon"]
    out, err = harvest_but_some(parquet(tmp_path / "faces.parquet", columns(rows, harvested_on=dates)))
    assert "2 images with 2 faces added, 0 with 0 faces already there or kept out, 4 rows skipped" in out
    assert [line.partition(":")[0] for line in err.splitlines()] == [f"skipped row {n}" for n in (1, 4, 5, 6)]


@pytest.mark.parametrize(
    "changed",
    [
        {"page": ["https://photos.example/0", None]},
        {"page": ["https://photos.example/0", "https://photos.example/\0"]},
        {"site": [None, "\0"]},
        {"address": [None, "\0"]},
        {"country": [None, "F\0"]},
        {"country": [None, "CAN"]},
        {"site": [None, "s" * 300]},
        {"page": ["https://photos.example/0", "https://[::1/x"]},
        {"page": ["https://photos.example/0", "https://photos.example:99999/x"]},
        {"page": ["https://photos.example/0", "javascript:alert(1)"]},
        {"page": ["https://photos.example/0", "unknown"]},
        {"address": [None, "no address"]},
        {"box": [[1, 2, 3, 4], [1, 2, 3]]},
        {"box": [[1, 2, 3, 4], None]},
        {"box": [[1, 2, 3, 4], [1, 2, 3, 2**40]]},
        {"box": [[1.0, 2, 3, 4], [1, 2, float("nan"), 4]]},
        {"score": ["0.5", "1_0"]},
        {"score": [0.5, float("nan")]},
        {"score": [None, float("inf")]},
        {"image": ["photo-0", None]},
        {"image": None, "file_digest": ["00" * 32, "00"]},
    ],
)
def test_what_cannot_be_kept_is_named_and_the_others_enter(tmp_path: Path, changed: dict[str, Any]) -> None:
    two = {"image": ["a", "b"], "page": ["https://photos.example/0", "https://photos.example/1"], **changed}
    out, err = harvest_but_some(parquet(tmp_path / "faces.parquet", columns(builders.unit_rows(2), **two)))
    assert "1 images with 1 faces added" in out
    assert [line.partition(":")[0] for line in err.splitlines()] == ["skipped row 2"]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"page": [1, 2]}, "page holds int64, but must hold text"),
        ({"country": [33, 33]}, "country holds int64, but must hold text"),
        ({"file_digest": [32, 32]}, "file_digest holds int64, but must hold text or bytes"),
        ({"image": [["a"], ["b"]]}, "image holds list<.*>, but must hold text"),
        ({"image": [{"a": 1}, {"a": 2}]}, "image holds struct<.*>, but must hold text"),
        ({"image": [1.0, 2.0]}, "image holds double, but must hold text or whole numbers"),
        ({"image": [True, False]}, "image holds bool"),
        ({"harvested_on": [20210304, 20210305]}, "harvested_on holds int64, but must hold text or dates or times"),
        ({"box": [{"left": 1}, {"left": 2}]}, "box holds struct"),
        ({"score": [[1], [2]]}, "score holds list"),
        ({"embedding": [["1"] * 128] * 2}, "embedding holds list"),
        ({"embedding": [[True] * 128] * 2}, "embedding holds list"),
        ({"Page": ["https://photos.example/a"] * 2}, "has the column page more than once"),
    ],
)
def test_a_column_of_another_kind_is_named(tmp_path: Path, changed: dict[str, Any], sentence: str) -> None:
    file = parquet(tmp_path / "faces.parquet", columns(builders.unit_rows(2), **changed))
    with pytest.raises(CommandError, match=sentence):
        harvest(file)
    assert service.index_size() == 0


def test_rows_that_stand_apart_from_their_image_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding_files, "PIECE", 4)
    names = [f"photo-{n}" for n in (0, 0, 1, 2, 2, 3, 0, 1, 4, 4)]
    pages = [f"https://photos.example/{name}" for name in names]
    file = parquet(tmp_path / "faces.parquet", columns(builders.unit_rows(10), image=names, page=pages))
    out, err = harvest_but_some(file)
    assert "5 images with 8 faces added, 0 with 0 faces already there or kept out, 2 rows skipped" in out
    assert err.splitlines() == [f"skipped row {n}: it stands apart from the other rows of its image" for n in (7, 8)]
    out, err = harvest(file)
    assert "0 images with 0 faces added, 7 with 10 faces already there or kept out, 0 rows skipped" in out
    assert err == ""


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"page": None}, "lacks the columns page"),
        ({"image": None}, "lacks the columns image or file_digest"),
        ({"embedding": [[0.5] * 64] * 2}, "have 64 numbers, but those of the pack have 128"),
        ({"embedding": [b"123"] * 2}, "512 or 256 bytes"),
        ({"embedding": ["text"] * 2}, "must hold bytes or lists of numbers"),
        ({"embedding": [[0.5] * 100, [0.5] * 156]}, "have 100 numbers, but those of the pack have 128"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path: Path, changed: dict[str, Any], sentence: str) -> None:
    file = parquet(tmp_path / "faces.parquet", columns(builders.unit_rows(2), **changed))
    with pytest.raises(CommandError, match=sentence):
        harvest(file)
    assert service.index_size() == 0


def test_another_models_embeddings_are_refused(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pa.table(columns(builders.unit_rows(2))), tmp_path / "silent.parquet")
    with pytest.raises(CommandError, match="Say which model"):
        harvest(tmp_path / "silent.parquet")
    with pytest.raises(CommandError, match="another model"):
        harvest(tmp_path / "silent.parquet", "--recogniser", "0" * 64)


def test_no_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"nowhere\.parquet cannot be read: No such file"):
        harvest(tmp_path / "nowhere.parquet")
