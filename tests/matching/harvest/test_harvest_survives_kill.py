"""`manage.py harvest` or `harvest_embeddings` killed at any moment: the next run goes on, and nothing is there twice or
in part."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import Count
from PIL import Image

from matching.models import Face, HarvestedImage, Intake
from tests.matching import builders
from tests.matching.harvest import test_harvest_embeddings as ready

pytestmark = pytest.mark.django_db(transaction=True)

PHOTOS = 70
PORTRAIT = 5  # every so many-th shows a face
ROWS = 60_000  # of ready embeddings, two for each image
KILLS = 3
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def photos(tmp_path: Path, astronaut: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    face = Image.open(astronaut).convert("RGB").crop((140, 20, 320, 220))
    for n in range(PHOTOS):
        noise = Image.fromarray(builders.noise(side=64, seed=n))
        (noise if n % PORTRAIT else face.resize((140 + n, 150 + n))).save(folder / f"{n}.png")
    return folder


@pytest.fixture
def embeddings(tmp_path: Path) -> Path:
    return ready.parquet(tmp_path / "faces.parquet", ready.columns(builders.unit_rows(ROWS)))


def start(photos: Path, command: str = "harvest") -> subprocess.Popen[bytes]:
    """The command as an operator runs it, on the database and the store of this test."""
    named = connection.settings_dict
    owner = os.environ["DATABASE_URL"].rsplit("/", 1)
    query = owner[1].partition("?")
    url = f"{owner[0]}/{named['NAME']}{query[1]}{query[2]}"
    environment = {**os.environ, "DATABASE_URL": url, "IMAGE_STORE": str(settings.MATCHING["IMAGE_STORE"])}
    line = [sys.executable, "manage.py", command, str(photos)]
    return subprocess.Popen(line, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def kill_when(process: subprocess.Popen[bytes], images: int) -> None:
    """Once so many images are in, at a moment somewhere in the next batch."""
    while process.poll() is None and HarvestedImage.objects.count() < images:
        time.sleep(0.01)
    time.sleep(random.random() * 0.2)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_nothing_is_lost_or_doubled(photos: Path, own_store: Path) -> None:
    for number in range(KILLS):
        kill_when(start(photos), images=min(1 + 20 * number, HarvestedImage.objects.count() + 1))
    last = start(photos)
    _, told = last.communicate(timeout=120)
    assert last.returncode == 0, told.decode()

    images = {str(image_id) for image_id in HarvestedImage.objects.values_list("id", flat=True)}
    assert len(images) == HarvestedImage.objects.values("file_digest").distinct().count() == PHOTOS
    assert [faces for (_image, faces) in faces_by_image()] == [1] * (PHOTOS // PORTRAIT)
    assert not Intake.objects.exists()
    kept = [path.name for path in own_store.rglob("*") if path.is_file()]
    assert sorted(kept) == sorted([*images, *(f"{image}-upright.jpg" for image in images)])


def faces_by_image() -> list[tuple[UUID, int]]:
    return list(Face.objects.values_list("image_id").annotate(Count("id")).order_by("image_id"))


def test_no_ready_embedding_is_lost_or_doubled(embeddings: Path) -> None:
    kill_when(start(embeddings, "harvest_embeddings"), images=1)
    assert 0 < HarvestedImage.objects.count() < ROWS // 2  # or this test proves nothing
    for _ in range(KILLS - 1):
        kill_when(start(embeddings, "harvest_embeddings"), images=HarvestedImage.objects.count() + 1)
    last = start(embeddings, "harvest_embeddings")
    _, complaint = last.communicate(timeout=120)
    assert last.returncode == 0, complaint.decode()

    assert HarvestedImage.objects.count() == ROWS // 2
    assert [faces for (_image, faces) in faces_by_image()] == [2] * (ROWS // 2)
    assert set(HarvestedImage.objects.values_list("id", flat=True)) == {image for image, _faces in faces_by_image()}
    assert not Intake.objects.exists()


def test_ctrl_c_leaves_whole_images(photos: Path, own_store: Path) -> None:
    process = start(photos)
    while process.poll() is None and not HarvestedImage.objects.exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Nothing is half imported" in told.decode()
    assert "Traceback" not in told.decode()
    files = [path for path in own_store.rglob("*") if path.is_file()]
    assert 2 * HarvestedImage.objects.count() == len(files)
    assert not Intake.objects.exists()
