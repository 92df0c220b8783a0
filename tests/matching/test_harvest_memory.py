"""However many photos there are, a few batches of them are in memory."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from matching import service
from matching.types import Harvestable
from tests.matching import builders

pytestmark = pytest.mark.django_db

PHOTO = 300_000  # bytes
FEW, MANY = 120, 1200  # more than the batches in hand; together MANY would take 360 MB
MAY_GROW = 40_000  # kilobytes


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Too small to be taken, so that no face is looked for; with the weight of a photo."""
    file = tmp_path / "small.bmp"
    Image.new("RGB", (20, 20)).save(file)
    with file.open("ab") as end:
        end.write(bytes(PHOTO))
    return file


def entries(photo: Path, count: int) -> Iterator[Harvestable]:
    return (builders.entry(photo, page=f"https://photos.example/{n}") for n in range(count))


def peak() -> int:
    """Kilobytes this process has held at most, so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_ten_times_the_photos_take_no_more_memory(photo: Path) -> None:
    assert service.harvest(entries(photo, FEW)).skipped == FEW
    before = peak()
    assert service.harvest(entries(photo, MANY)).skipped == MANY
    assert peak() - before < MAY_GROW
