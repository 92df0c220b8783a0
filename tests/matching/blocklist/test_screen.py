"""The block list at the door: what it keeps out, how it follows its changes, and what it gives away."""

import json
import threading
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F
from PIL import Image

from matching import service
from matching.blocklist import blocks, screening
from matching.calibration import bands
from matching.errors import HarvestRefused, OutsideHarvest
from matching.faces import packs
from matching.harvest import admission
from matching.harvest.admission import Admitted, Arrival, Photo
from matching.index.protocol import face_rows
from matching.models import Block, Face, HarvestedImage, Intake, Screening
from matching.types import Embeddings, Store
from portal.core import keys
from tests.matching import builders
from tests.matching.conftest import set_matching


def admit(*photos: Embeddings, page: str = "https://photos.example/", content: bytes = b"") -> Admitted:
    """One photo for each array of faces, in one batch of one harvest."""
    with admission.one_harvest():
        return enter(*photos, page=page, content=content)


def enter(*photos: Embeddings, page: str = "https://photos.example/", content: bytes = b"") -> Admitted:
    arrivals = [arrival(content or uuid4().bytes, page) for _ in photos]
    ids = [one.image_id for one, rows in zip(arrivals, photos, strict=True) for _ in rows]
    rows = np.concatenate(photos)
    return admission.admit(arrivals, face_rows(ids, [builders.BOX] * len(rows), [1.0] * len(rows), rows))


def arrival(content: bytes, page: str) -> Arrival:
    photo = Photo(content, b"upright")
    digest = admission.digest(content)
    return Arrival(uuid4(), digest, page, "photos.example", date(2020, 2, 3), address=f"{page}1.jpg", photo=photo)


def block(templates: Embeddings, *files: bytes) -> UUID:
    block_id = uuid4()
    assert service.block(block_id, templates, files=[admission.digest(file) for file in files])
    return block_id


def at_least(templates: int = 1) -> float:
    calibration = bands.calibration_for(packs.chosen().recogniser_sha256)
    return screening.block_threshold(calibration, templates=templates)


NO_FACE = np.zeros((0, 128), np.float32)


@pytest.mark.django_db
def test_a_photo_with_a_blocked_face_leaves_nothing_and_the_others_enter(own_store: Path) -> None:
    ana, others = builders.unit_rows(1), builders.unit_rows(3, seed=2)
    block(ana)
    matched = builders.near(ana[0], at_least() + 0.01)[np.newaxis]
    admitted = admit(np.concatenate([others[:1], matched]), others[1:2], others[2:])
    assert (len(admitted.image_ids), admitted.faces, admitted.refused) == (2, 2, 1)
    assert HarvestedImage.objects.count() == Face.objects.count() == 2
    assert len([file for file in own_store.rglob("*") if file.is_file()]) == 4
    assert not Intake.objects.exists()


@pytest.mark.django_db
def test_a_face_less_alike_than_the_threshold_enters() -> None:
    ana = builders.unit_rows(1)
    block(ana)
    assert admit(builders.near(ana[0], at_least() - 0.01)[np.newaxis]).refused == 0


@pytest.mark.django_db
def test_an_exact_copy_of_a_deleted_photo_stays_out_though_no_face_is_seen_in_it() -> None:
    block(builders.unit_rows(1), b"the deleted photo")
    assert admit(NO_FACE, content=b"the deleted photo", page="https://elsewhere.example/").refused == 1
    assert admit(NO_FACE, content=b"another photo").refused == 0


@pytest.mark.parametrize(
    ("faces", "templates", "dim"), [(1, 1, 128), (1100, 9000, 128), (1024, 8192, 128), (3, 0, 128)]
)
def test_every_pair_is_compared(faces: int, templates: int, dim: int) -> None:
    """Against float64, pair by pair; the few planted pairs lie in the first, the last and the border tiles."""
    rows, listed = builders.unit_rows(faces, seed=3), builders.unit_rows(templates, seed=4)
    for n in {0, faces // 2, faces - 1} if templates and faces else ():
        rows[n] = builders.near(listed[(n * 8191) % templates], 0.9, seed=5)
    similarities = rows.astype(np.float64) @ listed.astype(np.float64).T
    expected = set(zip(*(side.tolist() for side in np.nonzero(similarities >= 0.8)), strict=True))
    assert set(screening.matching_pairs(rows, listed, 0.8)) == expected
    assert bool(expected) == bool(templates and faces)


def test_a_face_that_is_no_number_hides_no_other() -> None:
    rows = builders.unit_rows(3)
    rows[1] = np.nan
    assert list(screening.matching_pairs(rows, rows[2:], 0.8)) == [(2, 0)]


@pytest.mark.django_db
def test_a_running_harvest_notices_what_is_blocked_and_unblocked_meanwhile() -> None:
    ana, bo = builders.unit_rows(2)[:, np.newaxis]
    first = block(bo)
    with admission.one_harvest():
        assert enter(ana).refused == 0
        second = block(ana)
        assert enter(ana).refused == 1
        service.unblock(first)
        assert (enter(bo).refused, enter(ana).refused) == (0, 1)
        service.unblock(second)
        assert enter(ana).refused == 0


@pytest.mark.django_db
def test_files_added_to_a_block_hold_in_a_running_harvest() -> None:
    ana = builders.unit_rows(1)
    block_id = block(ana, b"one")
    with admission.one_harvest():
        assert enter(NO_FACE, content=b"two").refused == 0
        assert not service.block(block_id, ana[:0], files=[admission.digest(b"three")])
        assert [enter(NO_FACE, content=file).refused for file in (b"one", b"three")] == [1, 1]
        assert enter(ana).refused == 1


@pytest.mark.django_db(transaction=True)
def test_what_is_blocked_between_question_and_entry_does_not_enter() -> None:
    """The block is written but not committed while the batch asks; the entry waits for it, and asks again."""
    ana = builders.unit_rows(1)
    block(builders.unit_rows(1, seed=9))
    admitted: list[Admitted] = []

    def harvest() -> None:
        admitted.append(admit(ana))
        connection.close()

    harvester = threading.Thread(target=harvest)
    with transaction.atomic():
        block(ana)
        harvester.start()
        harvester.join(1.0)
        assert harvester.is_alive()
    harvester.join()
    assert admitted[0].refused == 1
    assert not HarvestedImage.objects.exists()
    assert not Intake.objects.exists()


@pytest.mark.django_db
def test_it_answers_inside_a_harvest_alone() -> None:
    ana = builders.unit_rows(1)
    block(ana)
    with pytest.raises(OutsideHarvest):
        enter(ana)
    with pytest.raises(OutsideHarvest):
        service.screen(ana)
    assert not HarvestedImage.objects.exists()
    with service.one_harvest():
        assert service.screen(np.concatenate([ana, builders.unit_rows(2, seed=7)])).tolist() == [True, False, False]
    with pytest.raises(OutsideHarvest):
        service.screen(ana)


@pytest.mark.django_db
def test_every_harvest_that_asks_is_logged_in_counts_and_every_refusal_is_counted_for_its_block() -> None:
    ana, bo = builders.unit_rows(2)[:, np.newaxis]
    admit(ana)
    assert not Screening.objects.exists()  # there was no list to ask
    first, second = block(ana), block(bo)
    with admission.one_harvest():
        enter(np.concatenate([ana, bo]), builders.unit_rows(1, seed=8))
        enter(ana)
    logged = Screening.objects.get()
    assert (logged.blocks, logged.images, logged.faces, logged.refused) == (2, 3, 4, 2)
    assert (service.photos_kept_out_by(first), service.photos_kept_out_by(second)) == (2, 1)


@pytest.mark.django_db
def test_a_batch_that_fails_counts_nothing() -> None:
    ana = builders.unit_rows(1)
    block_id = block(ana)
    broken = builders.unit_rows(1, seed=8)
    broken[0, 0] = np.nan
    with pytest.raises(Exception, match="NaN"):
        admit(ana, broken)
    assert (service.photos_kept_out_by(block_id), Screening.objects.get().images) == (0, 0)


@pytest.mark.django_db
def test_a_day_has_so_many_answers_and_no_more(settings: LazySettings) -> None:
    set_matching(settings, HARVESTS_A_DAY="2")
    block(builders.unit_rows(1))
    admit(NO_FACE)
    admit(NO_FACE)
    with pytest.raises(HarvestRefused, match="2 harvests within a day"):
        admit(NO_FACE)
    Screening.objects.update(started_at=F("started_at") - timedelta(days=1))
    assert admit(NO_FACE).refused == 0


@pytest.mark.django_db
def test_nothing_is_harvested_past_a_block_whose_key_is_missing() -> None:
    kept, lost = block(builders.unit_rows(1)), block(builders.unit_rows(1, seed=2))
    keys.destroy(lost)
    with pytest.raises(HarvestRefused, match="1 blocks cannot be opened"):
        admit(builders.unit_rows(1, seed=3))
    assert not HarvestedImage.objects.exists()
    assert service.unreadable_blocks() == [lost]
    service.unblock(lost)
    assert admit(builders.unit_rows(1)).refused == 1
    assert service.active_blocks([kept, lost]) == {kept}


@pytest.mark.django_db
def test_nothing_is_harvested_past_blocks_and_no_sealer() -> None:
    block(builders.unit_rows(1))
    handed = blocks.sealer()
    service.use_block_sealer(None)
    try:
        with pytest.raises(HarvestRefused):
            admit(builders.unit_rows(1))
    finally:
        service.use_block_sealer(handed)


@pytest.mark.django_db
def test_blocks_of_another_pack_stop_the_harvest_until_their_sleep_is_accepted() -> None:
    ana = builders.unit_rows(1)
    block(ana, b"the deleted photo")
    Block.objects.update(recogniser="0" * 64)
    assert service.block_counts().dormant == 1
    with pytest.raises(HarvestRefused, match="another face pack"):
        admit(ana)
    service.accept_dormant_blocks()
    assert admit(ana).refused == 0
    assert admit(NO_FACE, content=b"the deleted photo").refused == 1
    block(ana)
    assert admit(ana).refused == 1


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["https://www.photos.example/portrait", "http://photos.example/portrait1.jpg"])
def test_an_exempted_address_lets_in_who_resembles_but_no_copy_of_what_was_deleted(address: str) -> None:
    ana = builders.unit_rows(1)
    block_id = block(ana, b"the deleted photo")
    page = "https://photos.example/portrait"
    service.exempt(address)
    assert admit(ana, page=page).refused == 0
    assert admit(ana).refused == 1
    assert admit(ana, page=page, content=b"the deleted photo").refused == 1
    assert service.photos_kept_out_by(block_id) == 2
    service.end_exemption(address)
    assert admit(ana, page=page).refused == 1


@pytest.mark.slow
@pytest.mark.django_db
def test_a_harvest_tells_refusals_apart_from_nothing_until_they_are_many(tmp_path: Path) -> None:
    """Photos without a face, refused as exact copies: 9 say nothing, 12 say "at least 10"."""
    for n in range(12):
        Image.fromarray(builders.noise(side=64, seed=n)).save(tmp_path / f"{n:02}.png")
    digests = [admission.digest(file.read_bytes()) for file in sorted(tmp_path.iterdir())]
    service.block(uuid4(), builders.unit_rows(1), files=digests)

    few = tmp_path / "few"
    few.mkdir()
    for n in range(9):
        (tmp_path / f"{n:02}.png").rename(few / f"{n:02}.png")
    told = "0 images with 0 faces added, 9 already there or kept out, 0 skipped (0 of them not photos)\n"
    assert harvested(few) == told
    assert "at least 10 kept out" in harvested(tmp_path)


def harvested(folder: Path) -> str:
    out = StringIO()
    call_command("harvest", folder, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_command_says_in_one_sentence_why_the_list_does_not_answer(tmp_path: Path) -> None:
    Image.fromarray(builders.noise(side=64)).save(tmp_path / "1.png")
    keys.destroy(block(builders.unit_rows(1)))
    with pytest.raises(CommandError, match="cannot be opened"):
        harvested(tmp_path)
    assert not any(service.present(image.id, store) for image in HarvestedImage.objects.all() for store in Store)


@pytest.mark.parametrize("pack", ["dlib", "buffalo_sc"])
def test_a_longer_list_never_refuses_more_and_never_looks_below_what_finding_needs(pack: str) -> None:
    folder = bands.SHIPPED / f"{pack}.json"
    calibration = bands.parse(json.loads(folder.read_text()))
    limits = [screening.block_threshold(calibration, templates=count) for count in (1, 10, 100, 100_000, 10**9)]
    assert limits == sorted(limits)
    assert limits[0] >= bands.threshold_at_target_fnmr(calibration)
    assert not any(point.false_matches for point in calibration.points if point.similarity >= limits[-1])
    assert screening.block_threshold(None, templates=1) == bands.UNCALIBRATED_PROBABLE
