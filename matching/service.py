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
    CaseProbes,
    Embeddings,
    ExpansionBasis,
    Fault,
    Harvestable,
    HarvestReport,
    ImageDisclosure,
    ImageIdentifiers,
    Match,
    PackInfo,
    Provenance,
    PurgeReport,
    RegisterLine,
    ReplayHooks,
    ReplayOutcome,
    ReplayReport,
    Scope,
    SearchResult,
    Selfie,
    Store,
    Thresholds,
)


def pack() -> PackInfo:
    """The chosen pack, described for people. No model is loaded. Errors: PackError."""
    return faces.chosen_pack().info


def require_pack() -> None:
    """Check the chosen pack. Errors: PackError, if it is unusable or the index holds embeddings of another pack."""
    indexes.require_pack()


def fetch_pack() -> PackInfo:
    """Download the chosen pack if that is needed. Errors: PackError, also if its licence was not accepted."""
    faces.fetch_pack(
        str(settings.MATCHING["PACK"]),
        faces.packs_folder(),
        licence_accepted=bool(settings.MATCHING.get("ACCEPT_PACK_LICENCE", False)),
    )
    return pack()


def prepare() -> None:
    """Check the pack and start a decoder, so that a web process is ready for its first photo. Errors: PackError."""
    faces.chosen_pack()
    photos.prepare_decoder()


def require_confinement() -> None:
    """Check that photos can be decoded in a confined process (docs/decisions/0007). Errors: PackError."""
    photos.prepare_decoder()


def is_decoder_confined() -> bool | None:
    """Whether a system-call filter confines the process that decodes selfies; None before that process has started."""
    held = photos.decoder_confinement()
    return None if held is None else held.is_filtered


def pack_files() -> dict[str, str]:
    """The files of the chosen pack: their paths with their SHA-256 in hexadecimal. Errors: PackError."""
    chosen = faces.chosen_pack()
    return {str(file.path): file.sha256 for file in (*chosen.files.values(), *chosen.liveness)}


def pin_pack() -> dict[str, str]:
    """Record the chosen pack's files as trusted as they are now; SHA-256 with pack and file name. Errors: PackError."""
    return faces.pin_pack(
        str(settings.MATCHING["PACK"]), faces.packs_folder(), pad=str(settings.MATCHING.get("PAD_FOLDER", ""))
    )


def read_selfie(content: bytes) -> Selfie:
    """Read a photo of the subject, as the bytes that were uploaded.

    Errors: PhotoRejected, unless exactly one face dominates the photo; Busy; PackError.
    """
    return faces.read_selfie(content, faces.chosen_pack())


def same_person(one: Embeddings, other: Embeddings) -> bool:
    """Whether the most similar two of these probes are as similar as 99 % of genuine pairs. Both are (n, dim).

    Errors: PackError.
    """
    return searching.same_person(one, other)


def alike(one: Embeddings, others: Sequence[Embeddings]) -> list[bool]:
    """`same_person` of one with each of the others. Errors: PackError."""
    return searching.alike(one, others)


def search(probes: Embeddings, *, expand_from: ExpansionBasis | None = None) -> SearchResult:
    """Every face of the index that may be the subject's, hidden images included; each face once, by its best probe.

    `probes` (n, dim) are all that the case has. What is certain is promised for the case as a whole, so every further
    probe makes the certain band stricter. With `expand_from` the search goes on from what is certain or confirmed
    (`matching.search.expansion`). These comparisons count towards the expected false positives of the probable band
    alone, because nothing that only expansion finds is certain.

    Call it outside a transaction. One that is held open would keep every row deleted meanwhile from being purged.
    Errors: PackError, IndexAway.
    """
    return sweep([CaseProbes(probes, expand_from)])[0]


def sweep(cases: Sequence[CaseProbes]) -> list[SearchResult]:
    """`search` for many cases in one pass over the index, a result for each case, with the case's own thresholds.

    Cases with `expand_from` share a second pass. Call it outside a transaction, as `search`. Faces that are deleted
    meanwhile are left out. Errors: PackError, IndexAway.
    """
    return searching.sweep(cases)


def operator_search(probes: Embeddings, *, limit: int = 100) -> tuple[Match, ...]:
    """What a client of the operator sees: the same search without hidden images. Errors: IndexBehind, PackError."""
    return searching.operator_search(probes, limit=limit)


def probes_of(face_ids: Sequence[int]) -> dict[int, Embeddings]:
    """The embeddings of faces by id, each (dim,), to expand from. Faces no longer in the index are left out."""
    return searching.embeddings_of(face_ids)


def thresholds(probes: int) -> Thresholds:
    """The thresholds for a case with so many probes, in the index as it is now. Errors: PackError."""
    return searching.thresholds_for_index()(probes)


def index_size() -> int:
    """How many faces the index holds, including those of hidden images."""
    return searching.index_size()


def images_at(addresses_given: Sequence[str]) -> tuple[UUID, ...]:
    """Images that were found on one of these pages, or whose own address is one of these."""
    return provenance.images_at(addresses_given)


def select(scope: Scope, *, after: UUID, most: int) -> list[UUID]:
    """A page of the images of a scope, ordered by id, hidden ones included. The first page is after UUID(int=0)."""
    return provenance.select(scope, after=after, most=most)


def within(scope: Scope, image_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Those of the images that are in the scope."""
    return provenance.within(scope, image_ids)


def count(scope: Scope) -> int:
    """How many images the index holds of this scope, hidden ones included."""
    return provenance.count(scope)


def draw(scope: Scope, images: int) -> list[UUID]:
    """At most so many images of a scope, drawn at random."""
    return provenance.draw(scope, images)


def breakdown(scope: Scope, image_ids: Sequence[UUID] | None = None) -> Breakdown:
    """How the images of a scope spread over sites, countries and years; or, where given, those of a list."""
    return provenance.breakdown(scope, image_ids)


def provenance_of(image_ids: Iterable[UUID]) -> dict[UUID, Provenance]:
    """Where and when these images were found. Images no longer in the index are left out."""
    return provenance.provenance_of(image_ids)


def identifiers_of(image_ids: Iterable[UUID]) -> dict[UUID, ImageIdentifiers]:
    """By what others can identify these images. Images no longer in the index are left out."""
    return provenance.identifiers_of(image_ids)


def import_disclosures(lines: Sequence[RegisterLine]) -> int:
    """Import lines of the operator's register of disclosures; returns how many were new. Idempotent."""
    return provenance.import_disclosures(lines)


def open_register(file: Path) -> provenance.Register:
    """The operator's register of who was shown which image. Errors: BadTable."""
    return provenance.Register(file)


def disclosures_of(image_ids: Iterable[UUID]) -> tuple[ImageDisclosure, ...]:
    """Which clients of the operator were shown these images, in the order of the ids."""
    return provenance.disclosures_of(image_ids)


def disclosed_and_gone(*, after: UUID, most: int) -> tuple[UUID, ...]:
    """A page of the images that the register names and the index no longer holds, ordered by id."""
    return provenance.disclosed_and_gone(after=after, most=most)


def refuse_addresses(image_ids: Sequence[UUID]) -> None:
    """Refuse the addresses of these images and of their pages in every later harvest. Idempotent.

    Call it while the images are still in the index, which alone knows their addresses.
    """
    with transaction.atomic():
        provenance.refuse_addresses(image_ids)
        _write_notes_on_commit()


def not_refused(image_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Read back of `refuse_addresses`: those of the images whose addresses are not all refused yet."""
    return provenance.not_refused(image_ids)


def refused_list_edition() -> UUID:
    """The id of the list of refused addresses as it is now; positions are comparable within one edition alone."""
    return provenance.refused_list_edition()


def begin_refused_list_anew() -> None:
    """Give the list a new edition after a restore, so that crawlers read it from the beginning."""
    provenance.begin_refused_list_anew()


def refused_addresses(*, after: int, most: int) -> tuple[list[bytes], int]:
    """A page of the list, and how long the list is: SHA-256 digests in the order of their positions, after `after`."""
    # The size is read first: addresses added meanwhile belong to the next reading.
    size = provenance.refused_count()
    return provenance.refused_after(after, most), size


def preview(image_id: UUID, face_id: int | None, *, clear: bool) -> bytes | None:
    """A JPEG for staff, or None if the image is gone. Only the subject's face can be recognised, and only with `clear`.

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
    """Take these images out of the operator's search, from its next query on. Idempotent. Errors: IndexBehind."""
    erasure.hide(image_ids)


def unhide(image_ids: Sequence[UUID]) -> None:
    """Put these images back into the operator's search when the caller's transaction commits. Idempotent."""
    erasure.unhide(image_ids)


def searchable(image_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Read back of `hide`: those of the images that the operator's search could still return."""
    return erasure.searchable(image_ids)


def erase(image_id: UUID, store: Store) -> None:
    """Erase one image from one store, whatever the other stores still hold. See `erase_many`."""
    erase_many([image_id], store)


def erase_many(image_ids: Sequence[UUID], store: Store) -> None:
    """Erase images from one store. Idempotent; call it outside a transaction, and in the order of ids for speed.

    Errors: IndexBehind, and then nothing is erased, because a legal hold that was just replayed may forbid it; OSError
    of the store, and then any part of the batch may be erased.
    """
    erasure.erase(image_ids, store)


def present(image_id: UUID, store: Store) -> bool:
    """Read back of `erase`, from the store itself."""
    return bool(present_many([image_id], store))


def present_many(image_ids: Sequence[UUID], store: Store) -> frozenset[UUID]:
    """Read back of `erase_many`: those of the images of which the store still has something. Errors: OSError."""
    return erasure.present(image_ids, store)


def purge(*, also: Iterable[str] = ()) -> PurgeReport:
    """Remove deleted rows from the disk. Call it outside a transaction; the report says what could not be done.

    `also` names tables of the caller, which are rewritten too, as long as they are small.
    """
    return erasure.purge(also)


def plant_canaries(count: int) -> dict[UUID, bytes]:
    """Add images of nobody, to be erased and then searched for on the disk.

    Returns the bytes of each face's embedding as PostgreSQL stores them, by image id. Errors: HarvestRunning.
    """
    return erasure.plant_canaries(count)


def unpurged(image_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Those of the erased images whose deleted rows may still be on the disk; the others are purged."""
    return erasure.unpurged(image_ids)


def is_behind() -> bool:
    """Whether the index was restored from a backup and does not know of everything that was hidden or erased."""
    return erasure.is_behind()


def replay_tombstones(*, everything: bool = False) -> ReplayReport:
    """Hide and erase again what a restored index, or with `everything` also a restored image store, brought back."""
    return erasure.replay_tombstones(everything=everything)


def journal(kind: str, subject: UUID, said: str) -> None:
    """Note the new state of a subject for a database that may be restored from a backup.

    The note is part of the caller's transaction and is written to the journal when that commits. `said` is one line
    without anything personal in the clear; what was set with `use_note_replayer` for this kind reads it.
    """
    journals.note(kind, subject, said)
    _write_notes_on_commit()


def write_journal() -> None:
    """Write the notes that a crash left unwritten. Errors: IndexBehind."""
    erasure.write_notes()


def _write_notes_on_commit() -> None:
    transaction.on_commit(erasure.write_notes)


def use_note_replayer(kind: str, replay_note: Callable[[UUID, str], ReplayOutcome]) -> None:
    """Called at the start, once for each kind of note; after a restore, `replay_note` gets each subject's last note."""
    erasure.use_note_replayer(kind, replay_note)


def use_replay_hooks(keeper: ReplayHooks | None) -> None:
    """Called once at the start, by the part that knows legal holds and recipients."""
    erasure.use_replay_hooks(keeper)


@transaction.atomic
def block(block_id: UUID, templates: Embeddings, *, files: Iterable[bytes] = ()) -> bool:
    """Keep this person out of every batch that is admitted after the caller's transaction commits.

    `templates` are (n, dim). `files` are SHA-256 digests of photos that were deleted for the same person; exact copies
    of them are kept out too. Returns False if the block was there already. Errors: PackError, HarvestRefused.
    """
    content = blocklist.BlockContent(templates, tuple(files))
    _write_notes_on_commit()
    return blocklist.make_block(block_id, content, recogniser=indexes.require_pack().recogniser_sha256)


@transaction.atomic
def unblock(block_id: UUID) -> bool:
    """Revoke a block; False if it was not in force. The caller destroys its key."""
    _write_notes_on_commit()
    return blocklist.revoke_block(block_id)


def active_blocks(block_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of the blocks that are active now."""
    return blocklist.active_among(block_ids)


def blocks_revoked_since(moment: datetime) -> list[UUID]:
    """Blocks that were revoked at this instant or later."""
    return blocklist.revoked_since(moment)


def photos_kept_out_by(block_id: UUID) -> int:
    """How many photos were kept out because of this block, counted each time they came."""
    return blocklist.photos_kept_out_by(block_id)


def block_counts() -> BlockCounts:
    """How many blocks are active and dormant under the chosen pack. Errors: PackError."""
    return blocklist.block_counts(faces.chosen_pack().recogniser_sha256)


def unreadable_blocks() -> list[UUID]:
    """Active blocks that cannot be opened. While there is one, every harvest is refused. It opens every block, so it is
    slow on a long list. Errors: HarvestRefused, without a sealer."""
    return blocklist.unreadable_blocks()


def accept_dormant_blocks() -> None:
    """Allow harvests although blocks made with another pack are dormant: they keep out exact copies alone."""
    blocklist.accept_dormant(faces.chosen_pack().recogniser_sha256)


def exempt(address: str) -> None:
    """Admit photos from this page or address although a face in them matches a block. Idempotent."""
    blocklist.exempt(address)


def end_exemption(address: str) -> None:
    """End what `exempt` began; nothing happens if there was none."""
    blocklist.end_exemption(address)


def use_block_sealer(sealer: BlockSealer | None) -> None:
    """Called once at the start, by the part that keeps the keys of blocks."""
    blocklist.use_sealer(sealer)


@contextmanager
def one_harvest() -> Iterator[None]:
    """For an engine that imports photos by itself: inside this context `screen` answers. Errors: HarvestRunning."""
    with harvesting.one_harvest():
        yield


def screen(faces: Embeddings) -> NDArray[np.bool_]:
    """Which newly harvested faces (n, dim) must be kept out, as booleans (n,). Every answer is counted.

    Errors: OutsideHarvest, HarvestRefused.
    """
    return blocklist.screen(faces)


def file_digests(image_ids: Iterable[UUID]) -> dict[UUID, bytes]:
    """The SHA-256 of each photo as it was harvested. Images no longer in the index are left out."""
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
    """Import photos. `on_progress` gets the number of entries done so far, `on_skipped` a file name and the reason.

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
    """Import ready embeddings. `recogniser` is the SHA-256 of the model that made them, if the file does not say it.

    Errors: BadTable, PackError, HarvestRunning, HarvestRefused.
    """
    return harvesting.harvest_embeddings(
        harvesting.EmbeddingFile(file, ids), indexes.bind_pack(), recogniser, on_progress, on_skipped
    )


def clear_leftovers() -> None:
    """Delete photos that a killed harvest stored but did not index. Does nothing while a harvest is running."""
    with suppress(HarvestRunning), harvesting.one_harvest():
        harvesting.clear_leftovers()
