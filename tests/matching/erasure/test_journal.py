"""What is noted outside the database holds after a restore; what never happened is not noted."""

import json
import os
from collections.abc import Iterator, Sequence
from typing import NoReturn
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from matching import journal, service
from matching.erasure import tombstones
from matching.erasure.tombstones import Verb
from matching.errors import IndexBehind
from matching.models import Block, BlockState, HarvestedImage, Note, RefusedAddress, TombstoneMark
from matching.types import ReplayOutcome, Store
from portal.blocks.sealer import Sealer
from portal.core import keys
from tests.matching import builders

pytestmark = pytest.mark.django_db(transaction=True)


class Told:
    """A subject of the tests: what was brought back, in that order."""

    def __init__(self) -> None:
        self.all: list[str] = []

    def replay_note(self, _subject: UUID, said: str) -> ReplayOutcome:
        self.all.append(said)
        return ReplayOutcome.DONE


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tombstones, "MOMENT", 0.0)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    told = Told()
    monkeypatch.setitem(tombstones._replayers, "test", told.replay_note)
    return told


def note(subject: UUID, said: str) -> None:
    with transaction.atomic():
        service.journal("test", subject, said)


def restored_to(bytes_seen: int) -> None:
    """As a database is that was backed up when it had seen so much."""
    TombstoneMark.objects.update_or_create(defaults={"bytes_seen": bytes_seen})


def no_room(_handle: int) -> NoReturn:
    raise OSError(28, "No space left on device")


def test_the_last_note_about_each_subject_is_brought_back(told: Told) -> None:
    one, other = uuid4(), uuid4()
    for subject, said in ((one, "1"), (other, "2"), (one, "3"), (other, "")):
        note(subject, said)
    assert not service.is_behind()
    restored_to(0)
    assert service.is_behind()
    replayed = service.replay_tombstones()
    assert sorted(told.all) == ["", "3"]
    assert replayed.notes_replayed == {"test": 2}
    assert not service.is_behind()


def test_what_was_rolled_back_is_never_told() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        service.journal("test", uuid4(), "1")
        raise RuntimeError
    assert (journal.size(), Note.objects.count()) == (0, 0)


def test_it_is_on_the_disk_before_anybody_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    note(uuid4(), "1")
    assert synced
    assert Note.objects.count() == 0


def test_what_a_crash_left_unwritten_is_written_by_the_next_sweep(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", no_room)
        with pytest.raises(OSError, match="No space"):
            note(uuid4(), "1")
    assert Note.objects.get().said == "1"
    journal.path().unlink()  # what the disk had no room for is not there
    service.write_journal()
    assert Note.objects.count() == 0
    restored_to(0)
    service.replay_tombstones()
    assert told.all == ["1"]


def test_a_line_whose_row_is_still_there_puts_nothing_back(told: Told) -> None:
    """The process died between the file and its commit; the subject has changed since."""
    subject, first = uuid4(), uuid4()
    Note.objects.create(note=first, kind="test", subject=subject, said="1")
    journal.append(f"{journal.now()} test {first} {subject} 1 .\n".encode())
    Note.objects.create(kind="test", subject=subject, said="2")
    assert service.is_behind()
    service.replay_tombstones()
    assert told.all == []
    restored_to(0)
    service.replay_tombstones()
    assert told.all == ["2"]


def test_a_backup_that_holds_the_row_is_told_what_came_after_it(told: Told) -> None:
    subject, first = uuid4(), uuid4()
    lines = [f"{journal.now()} test {each} {subject} {said} .\n" for each, said in ((first, "1"), (uuid4(), "2"))]
    Note.objects.create(note=first, kind="test", subject=subject, said="1")
    journal.append("".join(lines).encode())
    service.replay_tombstones()
    assert told.all == ["2"]


def test_a_note_that_was_cut_off_is_passed_over(told: Told) -> None:
    journal.append(f"{journal.now()} test {uuid4()} {uuid4()} half".encode())
    note(uuid4(), "whole")
    restored_to(0)
    service.replay_tombstones()
    assert told.all == ["whole"]


def test_a_note_of_a_later_version_is_counted_as_lost() -> None:
    note(uuid4(), "1")
    restored_to(0)
    assert service.replay_tombstones().notes_lost == {"test": 1}


def test_nothing_is_erased_by_whoever_did_not_know_what_was_noted(told: Told) -> None:
    """The caller asked for its images before: by now one may be held."""
    image = builders.make_image(builders.unit_rows(1))
    note(uuid4(), "1")
    for store in (Store.DERIVED, Store.IMAGES, Store.INDEX):
        restored_to(0)
        with pytest.raises(IndexBehind):
            service.erase(image, store)
        assert service.present(image, store)
    assert told.all == ["1"]  # the last of them brought it up to date
    service.erase(image, Store.INDEX)
    assert not service.present(image, Store.INDEX)


class Holding:
    """Keeps what it is given, and remembers of whom it was asked to tell others."""

    def __init__(self, kept: Sequence[UUID] = ()) -> None:
        self.kept = frozenset(kept)
        self.told: list[UUID] = []

    def held(self, image_ids: Sequence[UUID]) -> frozenset[UUID]:
        return self.kept.intersection(image_ids)

    def record_recipients(self, image_ids: Sequence[UUID]) -> None:
        assert HarvestedImage.objects.filter(id__in=image_ids).count() == len(image_ids)
        self.told += image_ids


@pytest.fixture
def keeper() -> Iterator[Holding]:
    before, holding = tombstones._hooks, Holding()
    service.use_replay_hooks(holding)
    yield holding
    service.use_replay_hooks(before)


def test_what_a_hold_keeps_is_hidden_again_but_not_erased(keeper: Holding) -> None:
    """It was to go when the hold stopped it: its tombstone was written, and the image stayed."""
    image = builders.make_image(builders.unit_rows(1))
    tombstones.record(Verb.ERASED, [image])
    keeper.kept = frozenset({image})
    restored_to(0)
    replayed = service.replay_tombstones()
    assert (replayed.held, replayed.came_back) == (1, ())
    assert all(service.present(image, store) for store in Store)
    assert service.searchable([image]) == frozenset()


def test_before_it_is_erased_again_its_address_is_refused_and_who_saw_it_is_told(keeper: Holding) -> None:
    """By tombstones alone, from before addresses were noted."""
    image = builders.make_image(builders.unit_rows(1), page="https://harvest.example/ana")
    page, edition = service.identifiers_of([image])[image].page_digest, service.refused_list_edition()
    tombstones.record(Verb.ERASED, [image])
    restored_to(0)
    assert service.replay_tombstones().came_back == (image,)
    assert service.refused_addresses(after=0, most=10)[0] == [page]
    assert keeper.told == [image]
    assert service.refused_list_edition() != edition
    assert Note.objects.count() == 0  # noted in its turn


def test_a_refused_address_is_refused_again_in_the_same_order() -> None:
    images = [builders.make_image(builders.unit_rows(1), page=f"https://harvest.example/{n}") for n in range(3)]
    for image in images:
        service.refuse_addresses([image])
    before, edition = service.refused_addresses(after=0, most=10), service.refused_list_edition()
    RefusedAddress.objects.filter(position__gt=1).delete()
    restored_to(0)
    assert service.replay_tombstones().notes_replayed == {"addresses": 2}
    assert service.refused_addresses(after=0, most=10) == before
    assert service.refused_list_edition() != edition  # what crawlers read since may not have been noted


def test_a_block_is_brought_back_sealed_as_it_was_and_one_taken_back_is_not() -> None:
    made, revoked = uuid4(), uuid4()
    for block in (made, revoked):
        service.block(block, builders.unit_rows(1), files=[bytes(32)])
    service.unblock(revoked)
    sealed = Block.objects.get(pk=made).sealed
    Block.objects.filter(pk=made).delete()
    Block.objects.filter(pk=revoked).update(state=BlockState.ACTIVE, sealed=sealed)
    restored_to(0)
    assert service.replay_tombstones().notes_replayed == {"block": 2}
    assert service.active_blocks([made, revoked]) == {made}
    assert bytes(Block.objects.get(pk=made).sealed or b"") == bytes(sealed or b"")
    assert Block.objects.get(pk=revoked).sealed is None
    assert service.unreadable_blocks() == []


def test_a_block_without_its_key_opens_to_nobody_and_stays_lost() -> None:
    """Taken back, and the line of it lost in a crash: what stands in the file is bytes and nothing else."""
    block, template = uuid4(), builders.unit_rows(1)
    service.block(block, template)
    said = json.loads(journal.path().read_text().splitlines()[-1].split(" ", 4)[4].removesuffix(" ."))
    assert template.astype("<f4").tobytes() not in journal.path().read_bytes()
    Block.objects.all().delete()
    keys.destroy(block)
    restored_to(0)
    assert service.replay_tombstones().notes_lost == {"block": 1}
    assert service.active_blocks([block]) == frozenset()
    with pytest.raises(LookupError):
        Sealer().unseal(block, said["sealed"].encode())
