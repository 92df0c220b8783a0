"""However many photos or embeddings there are, a few batches of them are in memory, here and where photos are read."""

import multiprocessing
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from matching import service
from matching.faces import packs
from matching.photos.decoder_pool import ROOT
from matching.types import Harvestable
from tests.matching import builders

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc"),
]

PHOTO = 300_000  # bytes
FEW, MANY = 120, 480  # more than the batches in hand; together MANY would take 144 MB
PORTRAIT = 20  # every so many-th shows a face
FEW_ROWS, MANY_ROWS = 5_000, 120_000  # of ready embeddings; MANY_ROWS take 61 MB and are one group of rows
MAY_GROW = 40_000  # kilobytes


class Peak:
    """Kilobytes that this process held at most beyond what it held at first, and each other that reads for it."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
        self._first = held("self", "VmRSS")
        self.theirs = 0

    @property
    def own(self) -> int:
        return held("self", "VmHWM") - self._first

    def look(self, _done: int) -> None:
        for process in multiprocessing.active_children():
            self.theirs = max(self.theirs, held(str(process.pid), "VmHWM"))


def held(process: str, what: str) -> int:
    lines = (Path("/proc") / process / "status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(what)), 0)


@pytest.fixture
def photos(astronaut: Path, tmp_path: Path) -> tuple[Path, Path]:
    """One without a face and one with, both small and with the weight of a photo."""
    face = Image.open(astronaut).convert("RGB").crop((140, 20, 320, 220)).resize((108, 120))
    nobody = Image.fromarray(builders.noise(side=24))
    made = []
    for name, picture in (("nobody", nobody), ("face", face)):
        made.append(tmp_path / f"{name}.bmp")
        picture.save(made[-1])
        with made[-1].open("ab") as end:
            end.write(bytes(PHOTO))
    return made[0], made[1]


def entries(photos: tuple[Path, Path], count: int) -> Iterator[Harvestable]:
    return (builders.entry(photos[n % PORTRAIT == 0], page=f"https://photos.example/{count}/{n}") for n in range(count))


def harvested(photos: tuple[Path, Path], count: int) -> Peak:
    peak = Peak()
    report = service.harvest(entries(photos, count), on_progress=peak.look)
    assert (report.images, report.faces, report.skipped) == (count, count // PORTRAIT, 0)
    return peak


def test_four_times_the_photos_take_no_more_memory(photos: tuple[Path, Path]) -> None:
    few, many = harvested(photos, FEW), harvested(photos, MANY)
    assert few.theirs > 0
    assert many.own - few.own < MAY_GROW
    assert many.theirs - few.theirs < MAY_GROW


# Written by another process, since what is held to write them would be part of this one's memory.
WRITE = """
import sys
import pyarrow.parquet
from tests.matching import builders
from tests.matching.harvest.test_harvest_embeddings import columns, pa
rows = builders.unit_rows(int(sys.argv[2]), seed=int(sys.argv[2]))
table = columns(rows, image=[f"{len(rows)} {n // 2}" for n in range(len(rows))])
pyarrow.parquet.write_table(pa.table(table), sys.argv[1])
"""


def imported(folder: Path, count: int) -> Peak:
    file = folder / f"{count}.parquet"
    code = f"import django; django.setup(){WRITE}"
    subprocess.run([sys.executable, "-c", code, str(file), str(count)], cwd=ROOT, check=True)
    peak = Peak()
    report = service.harvest_embeddings(file, recogniser=packs.chosen().recogniser_sha256, on_progress=peak.look)
    assert (report.images, report.faces, report.skipped) == (count // 2, count, 0)
    return peak


def test_many_ready_embeddings_take_no_more_memory_than_few(tmp_path: Path) -> None:
    imported(tmp_path, FEW_ROWS)  # what is loaded once is nobody's
    assert imported(tmp_path, MANY_ROWS).own < MAY_GROW
