"""A bad line of a manifest is named with its column and what to do; all others enter, and the status says so."""

import csv
from collections.abc import Sequence
from datetime import date
from io import StringIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from matching.models import HarvestedImage
from tests.matching import builders

pytestmark = pytest.mark.django_db

HEADING = "file,page,site,harvested_on,country"
GOOD = "good.png,https://photos.example/good,,2026-01-02,CA"
CASES = Path(__file__).parents[4] / "shared" / "cases" / "05-manifest"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed, name in enumerate(("good.png", "café.png", "other.png")):
        Image.fromarray(builders.noise(side=64, seed=seed)).save(tmp_path / name)
    (tmp_path / "page.html").write_text("<!doctype html>")
    return tmp_path


def harvest(manifest: Path) -> tuple[int, str]:
    """Its status, and all that it said."""
    told = StringIO()
    try:
        call_command("harvest", str(manifest), stdout=told, stderr=told)
    except CommandError as error:
        return error.returncode, f"{told.getvalue()}{error}"
    return 0, told.getvalue()


def written(folder: Path, content: bytes | str) -> Path:
    (manifest := folder / "manifest.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    return manifest


LONG = "https://photos.example/" + "a" * 140_000


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("other.png,https://x.example/p,,2026-01-02,CAN", "country is no country code of two letters"),
        ("other.png,https://x.example/p,,2026-01-02,4€", "country is no country code of two letters"),
        ("other.png,https://x.example/p,,yesterday,CA", "harvested_on is no day: write it as 2026-03-14"),
        ("other.png,https://x.example/p,,02/01/2026,CA", "harvested_on is no day"),
        ("other.png,https://x.example/p,,2026-02-30,CA", "harvested_on is no day"),
        ("other.png,https://x.example/p,,1704010200000,CA", "harvested_on is no day"),
        ("other.png,https://x.example/p,,10000-01-01,CA", "harvested_on is no day"),
        ("other.png,https://x.example/p,,,CA", "harvested_on is no day"),
        ("other.png,http://[::1/b.html,,2026-01-02,CA", "page is no web address"),
        ("other.png,https://x.example:99999/a,,2026-01-02,CA", "page is no web address"),
        ("other.png,https://x.example:port/a,,2026-01-02,CA", "page is no web address"),
        ("other.png,javascript:alert(1),,2026-01-02,CA", "page is no web address"),
        ("other.png,n/a,,2026-01-02,CA", "page is no web address"),
        ("other.png,,,2026-01-02,CA", "page is empty"),
        (f"other.png,{LONG},,2026-01-02,CA", "a field is longer than 131,072 characters"),
        (f"other.png,{LONG[:9000]},,2026-01-02,CA", "page is longer than 8,000 characters"),
        (f"other.png,https://x.example/p,{'s' * 300},2026-01-02,CA", "site is longer than 253 characters"),
        ("o\0ther.png,https://x.example/p,,2026-01-02,CA", "file holds a NUL character"),
        ("other.png,https://x.example/\0,,2026-01-02,CA", "page holds a NUL character"),
        (",https://x.example/p,,2026-01-02,CA", "file is empty"),
        (b"other.png,https://x.example/caf\xe9,,2026-01-02,CA", "page is not UTF-8: save the file as UTF-8"),
        (b"caf\xe9.png,https://x.example/p,,2026-01-02,CA", "file is not UTF-8"),
        ("other.png,https://x.example/p", "it has 2 columns, the heading has 5"),
        ("other.png,https://x.example/p,,2026-01-02,CA,more", "it has 6 columns, the heading has 5"),
        ('other.png,"https://x.example/p,,2026-01-02,CA', "its quotes do not pair"),
        ('other.png,"https://x.example/"p,,2026-01-02,CA', "its quotes do not pair"),
        (f"other.png,{'a,' * 600_000}", "a field is longer than"),
    ],
)
def test_a_bad_line_is_named_and_the_others_enter(folder: Path, line: bytes | str, told: str) -> None:
    middle = line if isinstance(line, bytes) else line.encode()
    after = GOOD.replace("good", "café")
    manifest = written(folder, b"\n".join([HEADING.encode(), GOOD.encode(), middle, after.encode()]))
    status, said = harvest(manifest)
    assert f"skipped line 3: {told}" in said
    assert "2 images with" in said
    assert "Not taken: 1 of the photos" in said
    assert status == 1
    assert set(HarvestedImage.objects.values_list("page", flat=True)) == {
        "https://photos.example/good",
        "https://photos.example/café",
    }


@pytest.mark.parametrize("name", ["gone.png", "page.html", ".", "a" * 3000 + ".png", "x" * 4000])
def test_what_a_line_names_and_is_no_photo_is_no_other_lines_fault(folder: Path, name: str) -> None:
    line = f"{name},https://x.example/p,,2026-01-02,CA"
    status, said = harvest(written(folder, "\n".join([HEADING, line, GOOD])))
    assert "1 images with" in said
    assert "1 skipped" in said
    assert status == 1


WHOLE = f"{HEADING}\n{GOOD}\n{GOOD.replace('good', 'café')}\n"


@pytest.mark.parametrize(
    "content",
    [
        WHOLE.encode("utf-8-sig"),
        WHOLE.encode("utf-16"),
        WHOLE.encode("utf-16-le"),
        WHOLE.encode("utf-16-be"),
        b"\xfe\xff" + WHOLE.encode("utf-16-be"),
        WHOLE.encode("utf-32"),
        WHOLE.replace("\n", "\r\n").encode(),
        WHOLE.replace("\n", "\r").encode(),
        WHOLE.replace("\n", "\r\r\n").encode(),
        WHOLE.replace("\n", "\n\n").encode(),
        WHOLE.replace(",", ";").encode(),
        WHOLE.replace(",", "\t").encode(),
        WHOLE.replace(",", "|").encode(),
        ("sep=;\r\n" + WHOLE.replace(",", ";")).encode(),
        ("\n\n" + WHOLE).encode(),
        WHOLE.replace(HEADING, " File , PAGE, Site,Harvested_On, country ").encode(),
        WHOLE.replace(HEADING, ", ".join(f'"{name}"' for name in HEADING.split(","))).encode("utf-8-sig"),
        WHOLE.replace(",CA", ",CA,,,").encode(),
        "\n".join(", ".join(f'"{cell}"' for cell in line.split(",")) for line in WHOLE.splitlines()).encode(),
        WHOLE.rstrip().encode(),
    ],
)
def test_a_manifest_is_read_however_it_was_saved(folder: Path, content: bytes) -> None:
    status, said = harvest(written(folder, content))
    assert (status, "2 images with" in said) == (0, True), said
    found = HarvestedImage.objects.get(page="https://photos.example/café")
    assert (found.site, found.country, found.harvested_on) == ("photos.example", "CA", date(2026, 1, 2))


def test_half_a_character_at_the_end_is_a_bad_line(folder: Path) -> None:
    status, said = harvest(written(folder, WHOLE.encode("utf-16")[:-3]))
    assert "line 3: country is not UTF-8" in said
    assert ("1 images with" in said, status) == (True, 1)


def test_a_manifest_may_be_parquet(folder: Path) -> None:
    rows: list[Sequence[str]] = list(csv.reader([GOOD, GOOD.replace("good", "café").replace("CA", "CAN")]))
    table = {name.upper(): [row[place] for row in rows] for place, name in enumerate(HEADING.split(","))}
    pyarrow.parquet.write_table(pa.table(table), folder / "manifest")
    status, said = harvest(folder / "manifest")
    assert "skipped row 2: country is no country code" in said
    assert ("1 images with" in said, status) == (True, 1)


@pytest.mark.parametrize(
    ("heading", "told"),
    [
        ("file,page", "lacks the columns harvested_on. Its first line must name them"),
        ("photo", "lacks the columns file, page, harvested_on"),
        ("file,page,harvested_on,FILE", "has the column file more than once"),
        ("", "is empty: its first line must name the columns"),
    ],
)
def test_a_manifest_without_its_columns_is_one_sentence(folder: Path, heading: str, told: str) -> None:
    status, said = harvest(written(folder, heading))
    assert told in said
    assert status == 1


@pytest.mark.realfaces
@pytest.mark.parametrize(
    ("name", "status", "told"),
    [
        ("badpage.csv", 1, "line 2: page is no web address"),
        ("country3.csv", 1, "line 2: country is no country code"),
        ("longfield.csv", 1, "line 2: a field is longer"),
        ("longsite.csv", 1, "line 2: site is longer"),
        ("nul.csv", 1, "line 2: file holds a NUL"),
        ("one-bad.csv", 1, "1 images with"),
        ("semicolon.csv", 0, "1 images with"),
        ("utf16.csv", 0, "1 images with"),
    ],
)
def test_what_users_reported(name: str, status: int, told: str) -> None:
    assert (found := harvest(CASES / name))[0] == status
    assert told in found[1]
