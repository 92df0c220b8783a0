"""What was hidden or erased stays so when the database, or the image store, comes back from an earlier time."""

import os
from uuid import UUID

import pytest
from django.db import transaction

from matching import journal, service
from matching.erasure import tombstones
from matching.erasure.tombstones import Verb
from matching.errors import IndexBehind
from matching.models import HarvestedImage, TombstoneMark
from matching.stores import blobs
from matching.types import Store
from tests.matching import builders

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tombstones, "MOMENT", 0.0)


def restored_to(bytes_seen: int) -> None:
    """As a database is that was backed up when it had seen so much."""
    TombstoneMark.objects.update_or_create(defaults={"bytes_seen": bytes_seen})


def erase_everywhere(image_id: UUID) -> None:
    for store in (Store.DERIVED, Store.IMAGES, Store.INDEX):
        service.erase(image_id, store)


def test_a_database_that_saw_everything_is_not_behind() -> None:
    image = builders.make_image(builders.unit_rows(1))
    service.hide([image])
    erase_everywhere(image)
    assert not service.is_behind()


def test_an_older_database_answers_no_client_until_it_is_brought_up_to_date() -> None:
    builders.make_index_pack()
    rows = builders.unit_rows(1)
    builders.make_image(rows)
    journal.append(b"2026-01-01T00:00:00+00:00 gone 5f3a1fd2-7f1c-4e0e-9d57-0d1a8f1f7c11\n")
    with pytest.raises(IndexBehind):
        service.operator_search(rows)
    service.replay_tombstones()
    assert len(service.operator_search(rows)) == 1


def test_what_was_erased_is_erased_again() -> None:
    erased, kept = (builders.make_image(builders.unit_rows(1, seed=seed)) for seed in (1, 2))
    tombstones.record(Verb.ERASED, [erased])  # and then the backup of before came back, rows and photos
    restored_to(0)
    assert service.is_behind()
    replayed = service.replay_tombstones()
    assert replayed.came_back == (erased,)
    assert not any(service.present(erased, store) for store in Store)
    assert all(service.present(kept, store) for store in Store)
    assert not service.is_behind()


def test_what_was_hidden_is_hidden_again_and_what_was_shown_again_stays_shown() -> None:
    hidden, shown = (builders.make_image(builders.unit_rows(1, seed=seed)) for seed in (1, 2))
    service.hide([hidden, shown])
    service.unhide([shown])
    HarvestedImage.objects.update(hidden_at=None)
    restored_to(0)
    replayed = service.replay_tombstones()
    assert (replayed.hidden, replayed.unhidden) == (1, 0)
    assert service.searchable([hidden, shown]) == {shown}


def test_only_the_image_store_came_back() -> None:
    """The database has seen everything, so nothing looks behind; a restore asks for everything all the same."""
    image = builders.make_image(builders.unit_rows(1))
    erase_everywhere(image)
    blobs.store().write_image(image, b"from a backup of the photos")
    assert service.replay_tombstones(everything=True).came_back == (image,)
    assert not service.present(image, Store.IMAGES)


def test_the_next_deed_in_an_older_database_does_the_forgotten_ones_first() -> None:
    forgotten, next_one = (builders.make_image(builders.unit_rows(1, seed=seed)) for seed in (1, 2))
    tombstones.record(Verb.ERASED, [forgotten])
    restored_to(0)
    service.hide([next_one])
    assert not service.present(forgotten, Store.INDEX)
    assert not service.is_behind()


def test_inside_a_transaction_nothing_can_be_made_good() -> None:
    image = builders.make_image(builders.unit_rows(1))
    tombstones.record(Verb.HIDDEN, [image])
    restored_to(0)
    with transaction.atomic(), pytest.raises(IndexBehind):
        service.hide([image])


def test_showing_again_is_recorded_only_when_it_happened() -> None:
    image = builders.make_image(builders.unit_rows(1))
    service.hide([image])
    before = journal.size()
    with pytest.raises(RuntimeError), transaction.atomic():
        service.unhide([image])
        raise RuntimeError
    assert journal.size() == before


def test_a_line_that_a_crash_left_unfinished_is_passed_over_and_ended() -> None:
    image = builders.make_image(builders.unit_rows(1))
    journal.append(f"2026-01-01T00:00:00+00:00 gone {str(image)[:20]}".encode())
    service.replay_tombstones()
    assert service.present(image, Store.INDEX)
    other = builders.make_image(builders.unit_rows(1, seed=3))
    service.hide([other])
    assert journal.path().read_text().splitlines()[1].endswith(f"hidden {other}")


def test_it_is_on_the_disk_before_the_image_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut after the erasure must not find the file without its line."""
    image = builders.make_image(builders.unit_rows(1))
    synced: list[bool] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(service.present(image, Store.INDEX))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    service.erase(image, Store.INDEX)
    assert synced
    assert all(synced)
