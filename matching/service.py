"""The front door of matching: import this, `matching.types` and `matching.errors`, nothing else.

It names and delegates; the algorithms live in the rooms, each behind the entrance in its `__init__`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db import transaction
from numpy.typing import NDArray

from matching import blocklist, erasure, faces, photos, provenance, stores
from matching import harvest as harvesting
from matching import index as indexes
from matching import journal as journals
from matching import search as searching
from matching.errors import HarvestRunning
from matching.models import HarvestedImage
from matching.types import (
    BlockCounts,
    BlockSealer,
    Breakdown,
    BroughtBack,
    Embeddings,
    Fault,
    Harvestable,
    HarvestReport,
    ImageKeeper,
    Known,
    Marks,
    Match,
    PackInfo,
    Provenance,
    PurgeReport,
    RegisterLine,
    Replayed,
    Scope,
    SearchResult,
    Selfie,
    Shown,
    Sought,
    Store,
    Thresholds,
)


def pack() -> PackInfo:
    """The pack in use, for people to read. Nothing heavy is loaded."""
    return faces.chosen_pack().info


def require_pack() -> None:
    """Errors: PackError, where the chosen pack is unusable or the index holds another pack's embeddings."""
    indexes.require_pack()


def fetch_pack() -> PackInfo:
    """Download the chosen pack where that is needed and its licence was accepted; else PackError says why."""
    faces.fetch_pack(
        str(settings.MATCHING["PACK"]),
        faces.packs_folder(),
        licence_accepted=bool(settings.MATCHING.get("ACCEPT_PACK_LICENCE", False)),
    )
    return pack()


def prepare() -> None:
    """Before the first photo of a web process: check the pack, start a decoder. Errors: PackError."""
    faces.chosen_pack()
    photos.prepare_decoder()


def require_confinement() -> None:
    """Errors: PackError, where the process that decodes photos cannot be held as decision 7 says."""
    photos.prepare_decoder()


def is_decoder_confined() -> bool | None:
    """Whether a filter holds the process that decodes this process's selfies; None before there is one."""
    held = photos.decoder_confinement()
    return None if held is None else held.is_filtered


def pack_files() -> dict[str, str]:
    """Path to SHA-256 of what the chosen pack is loaded from. Errors: PackError."""
    chosen = faces.chosen_pack()
    return {str(file.path): file.sha256 for file in (*chosen.files.values(), *chosen.liveness)}


def pin_pack() -> dict[str, str]:
    """Vouch for the chosen pack's files as they are; SHA-256 to pack and file. Errors: PackError."""
    return faces.pin_pack(
        str(settings.MATCHING["PACK"]), faces.packs_folder(), pad=str(settings.MATCHING.get("PAD_FOLDER", ""))
    )


def read_selfie(content: bytes) -> Selfie:
    """Raises PhotoRejected unless exactly one face dominates the photo."""
    return faces.read_selfie(content, faces.chosen_pack())


def same_person(one: Embeddings, other: Embeddings) -> bool:
    """Whether the nearest two of these probes are as alike as 99 % of genuine pairs. Errors: PackError."""
    return searching.same_person(one, other)


def alike(one: Embeddings, others: Sequence[Embeddings]) -> list[bool]:
    """`same_person` of one with each of the others. Errors: PackError."""
    return searching.alike(one, others)


def search(probes: Embeddings, *, known: Known | None = None) -> SearchResult:
    """Exact, over every face, those of hidden images too; each face once, by its best probe.

    `probes` are all that the case has: what is certain is promised for the case as a whole, so every further probe
    makes it stricter.

    With `known` it goes on from what is certain or confirmed (`matching.search`). That counts towards the
    strangers expected in the probable band; nothing so found is certain, so it makes what is certain no stricter.

    Hold no transaction around it: the scan has one of its own, while one of the caller's would keep every
    row deleted meanwhile from being purged for as long as it lasts.
    """
    return sweep([Sought(probes, known)])[0]


def sweep(cases: Sequence[Sought]) -> list[SearchResult]:
    """`search` for many cases, in one pass over the index; results and thresholds are each case's own.

    Those that go on from what is known have a second pass together. Outside a transaction, as `search`: nothing is
    held while it runs, and what is deleted meanwhile is left out.
    """
    return searching.sweep(cases)


def operator_search(probes: Embeddings, *, limit: int = 100) -> tuple[Match, ...]:
    """What a client of the operator is shown: the same search without the hidden images. Errors: IndexBehind."""
    return searching.operator_search(probes, limit=limit)


def probes_of(face_ids: Sequence[int]) -> dict[int, Embeddings]:
    """The embeddings of confirmed matches, each (dim,), to search on with; of those still in the index."""
    return searching.embeddings_of(face_ids)


def thresholds(probes: int) -> Thresholds:
    """The lowest similarity of each band for a case of so many probes, in the index as it is now. Errors: PackError."""
    return searching.bands()(probes)


def index_size() -> int:
    """How many faces the index holds, hidden ones too."""
    return searching.index_size()


def images_at(addresses_given: Sequence[str]) -> tuple[UUID, ...]:
    """Images found on one of these pages, or lying at one of these addresses themselves."""
    return provenance.images_at(addresses_given)


def select(scope: Scope, *, after: UUID, most: int) -> list[UUID]:
    """The next images of a scope in the order of their ids, hidden ones too; begin after UUID(int=0)."""
    return provenance.select(scope, after=after, most=most)


def within(scope: Scope, image_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Those of the images that are of the scope."""
    return provenance.within(scope, image_ids)


def count(scope: Scope) -> int:
    """How many images the index holds of this scope, hidden ones too."""
    return provenance.count(scope)


def draw(scope: Scope, images: int) -> list[UUID]:
    """At most so many images of a scope, drawn at random."""
    return provenance.draw(scope, images)


def breakdown(scope: Scope, image_ids: Sequence[UUID] | None = None) -> Breakdown:
    """How the images of a scope spread over sites, countries and years; or, where given, those of a list."""
    return provenance.breakdown(scope, image_ids)


def provenance_of(image_ids: Iterable[UUID]) -> dict[UUID, Provenance]:
    """Where these images were found and when; of those still in the index."""
    return provenance.provenance_of(image_ids)


def marks(image_ids: Iterable[UUID]) -> dict[UUID, Marks]:
    """By what others know these images; of those still in the index."""
    return provenance.marks_of(image_ids)


def take_disclosures(lines: Sequence[RegisterLine]) -> int:
    """Lines of the operator's register; one that is known is not taken twice. Returns how many were new."""
    return provenance.take_disclosures(lines)


def open_register(file: Path) -> provenance.Register:
    """The operator's register of who was shown which image. Errors: BadTable."""
    return provenance.Register(file)


def shown(image_ids: Iterable[UUID]) -> tuple[Shown, ...]:
    """Which clients of the operator were shown these images, in the order of the ids."""
    return provenance.disclosures_of(image_ids)


def shown_and_gone(*, after: UUID, most: int) -> tuple[UUID, ...]:
    """Images that the register names and the index no longer holds, by id, a page at a time."""
    return provenance.disclosed_and_gone(after=after, most=most)


def refuse_addresses(image_ids: Sequence[UUID]) -> None:
    """From where these images came nothing enters again; while the index still says where that was. Idempotent."""
    with transaction.atomic():
        provenance.refuse_addresses(image_ids)
        _write_notes_on_commit()


def unrefused(image_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Read back of `refuse_addresses`: those of the images from whose addresses something could still enter."""
    return provenance.not_refused(image_ids)


def refused_edition() -> UUID:
    """Which list it is; positions mean something within one edition alone."""
    return provenance.refused_edition()


def begin_refused_list_anew() -> None:
    """After a restore, whatever was noted: crawlers read it from the beginning."""
    provenance.begin_refused_list_anew()


def refused_addresses(*, after: int, most: int) -> tuple[list[bytes], int]:
    """A page of the list, digests in the order they were added behind position `after`, and how long the list is."""
    # The size first: what is added meanwhile belongs to the next reading.
    size = provenance.refused_count()
    return provenance.refused_after(after, most), size


def preview(image_id: UUID, face_id: int | None, *, clear: bool) -> bytes | None:
    """A JPEG for staff. Only the subject's face can be recognised, and only where `clear`; None where it is gone.

    Errors: PhotoRejected, Busy, IndexAway.
    """
    image = HarvestedImage.objects.filter(id=image_id).first()
    content = stores.blob_store().derived(image_id, stores.UPRIGHT)
    if image is None or content is None:
        return None
    boxes = indexes.store().faces_of(image_id)
    return photos.preview(content, width=image.width, boxes=boxes, subject=face_id, clear=clear)


def has_preview(image_id: UUID) -> bool:
    """Whether there is a picture to preview; an image that came in as an embedding has none. Errors: IndexAway."""
    there = HarvestedImage.objects.filter(id=image_id).exists()
    return there and stores.blob_store().derived(image_id, stores.UPRIGHT) is not None


def hide(image_ids: Sequence[UUID]) -> None:
    """Out of the operator's search from the next query on. Idempotent."""
    erasure.hide(image_ids)


def unhide(image_ids: Sequence[UUID]) -> None:
    """Back into the operator's search once the caller's transaction has committed. Idempotent."""
    erasure.unhide(image_ids)


def searchable(image_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Read back of `hide`: those of the images that the operator's search could still return."""
    return erasure.searchable(image_ids)


def erase(image_id: UUID, store: Store) -> None:
    """Idempotent, outside a transaction; works whatever the other stores still hold."""
    erase_many([image_id], store)


def erase_many(image_ids: Sequence[UUID], store: Store) -> None:
    """The same for a batch; where it fails, any part of the batch may be gone. Quickest in the order of the ids.

    Errors: IndexBehind, and nothing is gone: what was restored may have to be kept by a hold that the caller missed.
    """
    erasure.erase(image_ids, store)


def present(image_id: UUID, store: Store) -> bool:
    """Read back by looking into the store itself."""
    return bool(present_many([image_id], store))


def present_many(image_ids: Sequence[UUID], store: Store) -> frozenset[UUID]:
    """Those of the images of which the store still has something."""
    return erasure.present(image_ids, store)


def purge(*, also: Iterable[str] = ()) -> PurgeReport:
    """Take deleted rows off the disk; outside a transaction. What could not be done is in the report.

    `also`: tables of the caller, which are rewritten where that takes a moment only.
    """
    return erasure.purge(also)


def plant_canaries(count: int) -> dict[UUID, bytes]:
    """Images of nobody, to be erased and then looked for on the disk; by id, the bytes of the face's embedding.

    Errors: HarvestRunning.
    """
    return erasure.plant_canaries(count)


def unpurged(image_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Those of the erased images of which deleted rows may still lie on the disk; the others are purged."""
    return erasure.unpurged(image_ids)


def is_behind() -> bool:
    """Whether the index comes from a backup taken before something was hidden or erased."""
    return erasure.is_behind()


def replay_tombstones(*, everything: bool = False) -> Replayed:
    """Hide and erase again what a restored index, or with `everything` a restored image store, has brought back."""
    return erasure.replay_tombstones(everything=everything)


def journal(kind: str, subject: UUID, said: str) -> None:
    """In the caller's transaction: what a restored database must be told of this subject, once that has committed.

    `said` is one line, nothing personal in the clear; `bring_back_from_journal` names who reads it.
    """
    journals.note(kind, subject, said)
    _write_notes_on_commit()


def write_journal() -> None:
    """What a crash left unwritten."""
    erasure.write_notes()


def _write_notes_on_commit() -> None:
    transaction.on_commit(erasure.write_notes)


def bring_back_from_journal(kind: str, bring_back: Callable[[UUID, str], BroughtBack]) -> None:
    """Called once at the start for each kind of note; `bring_back` is given the last note of each subject."""
    erasure.use_kind(kind, bring_back)


def use_image_keeper(keeper: ImageKeeper | None) -> None:
    """Called once at the start by whoever knows of legal holds and recipients."""
    erasure.use_keeper(keeper)


@transaction.atomic
def block(block_id: UUID, templates: Embeddings, *, files: Iterable[bytes] = ()) -> bool:
    """Keep this face out of every batch that is admitted after the caller's transaction; False where it was already.

    `files` are SHA-256 digests of photos deleted for the same person: an exact copy never comes back.
    """
    content = blocklist.BlockContent(templates, tuple(files))
    _write_notes_on_commit()
    return blocklist.make_block(block_id, content, recogniser=indexes.require_pack().recogniser_sha256)


@transaction.atomic
def unblock(block_id: UUID) -> bool:
    """False where no such block was in force. Whoever keeps its key destroys it."""
    _write_notes_on_commit()
    return blocklist.revoke_block(block_id)


def blocks_in_force(block_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of the blocks that hold somebody back now."""
    return blocklist.in_force_among(block_ids)


def blocks_revoked_since(moment: datetime) -> list[UUID]:
    """Blocks that were taken back at this instant or later."""
    return blocklist.revoked_since(moment)


def refused_by(block_id: UUID) -> int:
    """How often a photo was kept out because of this block."""
    return blocklist.refused_by(block_id)


def block_counts() -> BlockCounts:
    return blocklist.block_counts(faces.chosen_pack().recogniser_sha256)


def unreadable_blocks() -> list[UUID]:
    """Blocks in force that cannot be opened; while there is one, nothing is harvested. Opens every block."""
    return blocklist.unreadable_blocks()


def let_blocks_sleep() -> None:
    """Harvest although blocks made with another pack hold nothing back but exact copies."""
    blocklist.let_blocks_sleep(faces.chosen_pack().recogniser_sha256)


def exempt(address: str) -> None:
    """Let in photos of this page, or at this address, although a face in them resembles a block."""
    blocklist.exempt(address)


def end_exemption(address: str) -> None:
    blocklist.end_exemption(address)


def use_block_sealer(sealer: BlockSealer | None) -> None:
    """Called once at the start by whoever keeps the keys."""
    blocklist.use_sealer(sealer)


@contextmanager
def one_harvest() -> Iterator[None]:
    """For an engine that takes in photos by itself: inside, `screen` answers. Errors: HarvestRunning."""
    with harvesting.only_one():
        yield


def screen(faces: Embeddings) -> NDArray[np.bool_]:
    """(n,) Which newly harvested faces may not enter. Every answer is counted.

    Errors: OutsideHarvest, HarvestRefused.
    """
    return blocklist.screen(faces)


def file_digests(image_ids: Iterable[UUID]) -> dict[UUID, bytes]:
    """SHA-256 of each photo as it was harvested."""
    return provenance.file_digests(image_ids)


def has_file(digests: Sequence[bytes]) -> bool:
    """Whether one of these SHA-256 digests is that of a photo as it was harvested."""
    return provenance.has_file(digests)


def harvest(
    entries: Iterable[Harvestable],
    *,
    on_progress: Callable[[int], None] = lambda done: None,
    on_skipped: Callable[[str, str], None] = lambda name, reason: None,
    on_faceless: Callable[[str], None] = lambda name: None,
) -> HarvestReport:
    """Photos in; `on_progress` is told how many entries have been dealt with, `on_skipped` the name and the reason.

    `on_faceless` is told the name of each photo that was taken in and shows no face that the pack can find.
    Errors: PackError, HarvestRunning, HarvestRefused, ReaderDied, OSError of the image store.
    """
    return harvesting.harvest_photos(entries, indexes.bind_pack(), on_progress, on_skipped, on_faceless)


def read_manifest(file: Path) -> Iterator[Harvestable | Fault]:
    """The lines of a manifest, for `harvest`. Errors: BadTable."""
    return harvesting.read_manifest(file)


def embeddings_in(file: Path, *, ids: Path | None = None) -> int:
    """How many rows there are to take in. Errors: BadTable."""
    return harvesting.EmbeddingFile(file, ids).count()


def harvest_embeddings(
    file: Path,
    *,
    ids: Path | None = None,
    recogniser: str = "",
    on_progress: Callable[[int], None] = lambda done: None,
    on_skipped: Callable[[str, str], None] = lambda name, reason: None,
) -> HarvestReport:
    """Faces embedded before; `recogniser` is the SHA-256 of the model that made them, where the file is silent.

    Errors: BadTable, PackError, HarvestRunning, HarvestRefused.
    """
    return harvesting.harvest_embeddings(
        harvesting.EmbeddingFile(file, ids), indexes.bind_pack(), recogniser, on_progress, on_skipped
    )


def clear_leftovers() -> None:
    """Take away the photos of a harvest that was killed between photo and row; nothing while one is running."""
    with suppress(HarvestRunning), harvesting.only_one():
        harvesting.clear_leftovers()
