"""A harvest can be stopped and run again; an image is in whole or not at all."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection
from PIL import Image

from matching import service
from matching.decoding.limits import Limits
from matching.errors import HarvestRunning, PackError, PhotoRejected
from matching.faces import find_faces
from matching.harvest import admission, photos
from matching.models import Face, HarvestedImage, IndexPack, Intake
from matching.photos import images
from matching.stores import blobs
from matching.types import Harvestable, PhotoFault, Pixels, Store
from tests.matching import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def photo(tmp_path: Path) -> Harvestable:
    Image.fromarray(builders.noise(side=64)).save(tmp_path / "photo.png")
    return builders.entry(tmp_path / "photo.png")


def test_it_keeps_the_photo_its_copy_and_where_it_came_from(photo: Harvestable) -> None:
    report = service.harvest([photo])
    assert (report.images, report.already, report.skipped) == (1, 0, 0)
    image = HarvestedImage.objects.get()
    assert blobs.store().image(image.id) == photo.file.read_bytes()
    assert all(service.present(image.id, store) for store in Store)
    assert service.provenance_of([image.id])[image.id].page == photo.page
    assert not Intake.objects.exists()


def test_it_keeps_the_faces(astronaut: Path) -> None:
    service.harvest([builders.entry(astronaut)])
    face = Face.objects.get()
    assert 150 < face.box_left < face.box_right < 300
    assert service.index_size() == 1


def test_it_skips_what_is_there(photo: Harvestable) -> None:
    service.harvest([photo])
    assert service.harvest([photo, photo]).already == 2
    assert HarvestedImage.objects.count() == 1


def test_the_same_photo_on_another_page_is_another_image(photo: Harvestable) -> None:
    elsewhere = builders.entry(photo.file, page="https://other.example/")
    assert service.harvest([photo, elsewhere]).images == 2


@pytest.mark.slow
def test_it_reports_unreadable_files_and_goes_on(photo: Harvestable, tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "cut.jpg").write_bytes(images.jpeg(builders.noise())[:3000])
    bad = [builders.entry(tmp_path / name) for name in ("empty.jpg", "cut.jpg", "absent.jpg")]
    reasons: dict[str, str] = {}
    report = service.harvest([*bad, photo], on_skipped=lambda name, why: reasons.update({Path(name).name: why}))
    assert (report.images, report.skipped) == (1, 3)
    assert reasons == {"empty.jpg": "not_an_image", "cut.jpg": "truncated", "absent.jpg": "unreadable"}


@pytest.mark.parametrize(("times", "taken"), [(1, 2), (2, 1)])
def test_a_photo_that_took_too_long_is_tried_once_more_at_the_end(
    photo: Harvestable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int, taken: int
) -> None:
    Image.fromarray(builders.noise(side=70)).save(tmp_path / "hard.png")
    order: list[int] = []
    monkeypatch.setattr(photos, "BATCH", 1)
    monkeypatch.setattr(find_faces, "decode", too_slow(70, times, order))
    told: list[int] = []
    reasons: list[tuple[str, str]] = []
    report = service.harvest(
        [builders.entry(tmp_path / "hard.png"), photo],
        on_progress=told.append,
        on_skipped=lambda name, why: reasons.append((Path(name).name, why)),
    )
    assert order == [70, 64, 70]
    assert (report.images, report.skipped) == (taken, 2 - taken)
    assert told == [0, 1, 2]
    assert reasons == [("hard.png", "too_much_work")] * (2 - taken)


def too_slow(side: int, times: int, order: list[int]) -> Callable[..., Pixels]:
    """For photos of this side, so many times."""
    decode, left = images.decode, [PhotoRejected(PhotoFault.TOO_MUCH_WORK)] * times

    def decoded(content: bytes, limits: Limits, *, wait: float) -> Pixels:
        pixels = decode(content, limits, wait=wait)
        order.append(len(pixels))
        if len(pixels) == side and left:
            raise left.pop()
        return pixels

    return decoded


def test_it_tells_how_far_it_is(photo: Harvestable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "BATCH", 2)
    told: list[int] = []
    service.harvest([photo] * 3, on_progress=told.append)
    assert told == [2, 3]


def test_a_full_store_leaves_nothing_behind(photo: Harvestable, own_store: Path) -> None:
    own_store.mkdir()
    (own_store / "derived").write_text("in the way of a folder")
    with pytest.raises(NotADirectoryError):
        service.harvest([photo])
    assert not HarvestedImage.objects.exists()
    assert not Intake.objects.exists()
    assert [path.name for path in own_store.rglob("*") if path.is_file()] == ["derived"]


def left_by_a_killed_harvest() -> None:
    orphan = uuid4()
    Intake.objects.create(image_id=orphan)
    blobs.store().write_image(orphan, b"never committed")
    blobs.store().write_derived(orphan, blobs.UPRIGHT, b"nor this")


def files(own_store: Path) -> list[Path]:
    return [path for path in own_store.rglob("*") if path.is_file()]


def test_the_next_run_clears_what_a_killed_one_left(own_store: Path) -> None:
    left_by_a_killed_harvest()
    service.harvest([])
    assert not files(own_store)
    assert not Intake.objects.exists()


def test_it_is_cleared_without_another_run_too(photo: Harvestable, own_store: Path) -> None:
    service.harvest([photo])
    left_by_a_killed_harvest()
    service.clear_leftovers()
    assert len(files(own_store)) == 2
    assert not Intake.objects.exists()


def test_what_a_running_harvest_is_bringing_in_stays(own_store: Path) -> None:
    left_by_a_killed_harvest()
    other = connection.copy()
    with other.cursor() as harvesting:
        harvesting.execute("SELECT pg_advisory_lock(%s)", [admission.LOCK])
        service.clear_leftovers()
        with pytest.raises(HarvestRunning):
            service.harvest([])
        # Closing alone lets go of the lock some time later, when the server has noticed.
        harvesting.execute("SELECT pg_advisory_unlock(%s)", [admission.LOCK])
    other.close()
    assert len(files(own_store)) == 2
    service.clear_leftovers()
    assert not files(own_store)


def test_an_index_holds_one_pack(photo: Harvestable) -> None:
    builders.make_index_pack(recogniser="0" * 64)
    with pytest.raises(PackError, match="The index holds embeddings of the pack"):
        service.harvest([photo])
    with pytest.raises(PackError, match="set PACK back"):
        service.search(builders.unit_rows(1))


def test_the_first_harvest_decides_which(photo: Harvestable) -> None:
    service.harvest([photo])
    assert IndexPack.objects.get().name == "dlib"
