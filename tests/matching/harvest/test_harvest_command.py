"""`manage.py harvest` takes a folder or a manifest."""

from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from matching.models import HarvestedImage
from tests.matching import builders

pytestmark = pytest.mark.django_db


def harvest(source: Path) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("harvest", str(source), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def harvest_but_some(source: Path) -> tuple[str, str]:
    """Where a photo or a line is refused, the command ends with another status than 0."""
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError, match="Not taken"):
        call_command("harvest", str(source), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def save(file: Path, *, seed: int = 0) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(builders.noise(side=64, seed=seed)).save(file)


def test_a_folder_gives_each_photo_an_address(tmp_path: Path) -> None:
    save(tmp_path / "in" / "who knows" / "é.png")
    (tmp_path / "in" / "notes.txt").write_text("no photo")
    out, _ = harvest(tmp_path / "in")
    assert "1 images with 0 faces added" in out
    assert "1 skipped (1 of them not photos)" in out
    assert HarvestedImage.objects.get().page == "https://harvest.example/who%20knows/%C3%A9.png"


def test_a_manifest_tells_where_photos_were_found(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("file,page,site,harvested_on,country\na.png,https://x.example/p,,2020-02-29,fr\n")
    harvest(manifest)
    image = HarvestedImage.objects.get()
    assert (image.page, image.site, image.country) == ("https://x.example/p", "x.example", "FR")
    assert image.harvested_on == date(2020, 2, 29)


def test_it_names_what_it_skipped(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"GIF89a")
    out, err = harvest_but_some(tmp_path)
    assert "1 skipped" in out
    assert "broken.jpg: truncated" in err


def test_a_missing_source_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no folder or manifest"):
        harvest(tmp_path / "nowhere")
