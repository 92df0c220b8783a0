"""The front door of matching: whoever uses the index imports this and `matching.types`, nothing else."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from numpy.typing import NDArray

from matching import (
    addresses,
    admission,
    blobs,
    blocks,
    calibrate,
    canaries,
    disclosures,
    expansion,
    images,
    packs,
    purging,
    reading,
    ready,
    redact,
    refusals,
    screening,
    tombstones,
)
from matching import harvest as harvesting
from matching import journal as journals
from matching.calibrate import Calibration
from matching.embedding_files import EmbeddingFile
from matching.index import store as index
from matching.index.base import Hit
from matching.models import Block, HarvestedImage, IndexPack
from matching.packs import Pack
from matching.tombstones import Verb
from matching.types import (
    Band,
    BlockCounts,
    BlockSealer,
    Box,
    BroughtBack,
    Embeddings,
    Harvestable,
    HarvestReport,
    HarvestRunning,
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
from matching.types import PackError as PackError  # noqa: PLC0414  (callers catch it)

LimitsFor = Callable[[int], Thresholds]  # of so many probes


def pack() -> PackInfo:
    """The pack in use, for people to read. Nothing heavy is loaded."""
    return packs.chosen().info


def fetch_pack() -> PackInfo:
    """Download the chosen pack where that is needed and its licence was accepted; else PackError says why."""
    packs.fetch(
        str(settings.MATCHING["PACK"]),
        packs.folder(),
        licence_accepted=bool(settings.MATCHING.get("ACCEPT_PACK_LICENCE", False)),
    )
    return pack()


def prepare() -> None:
    """Before the first photo of a web process: check the pack, start a decoder. Errors: PackError."""
    packs.chosen()
    images.prepare()


def require_confinement() -> None:
    """Errors: PackError, where the process that decodes photos cannot be held as decision 7 says."""
    images.prepare()


def is_decoder_confined() -> bool | None:
    """Whether a filter holds the process that decodes this process's selfies; None before there is one."""
    held = images.confinement()
    return None if held is None else held.is_filtered


def pack_files() -> dict[str, str]:
    """Path to SHA-256 of what the chosen pack is loaded from. Errors: PackError."""
    chosen = packs.chosen()
    return {str(file.path): file.sha256 for file in (*chosen.files.values(), *chosen.liveness)}


def pin_pack() -> dict[str, str]:
    """Vouch for the chosen pack's files as they are; SHA-256 to pack and file. Errors: PackError."""
    return packs.pin(str(settings.MATCHING["PACK"]), packs.folder(), pad=str(settings.MATCHING.get("PAD_FOLDER", "")))


def require_pack() -> Pack:
    """The chosen pack, or PackError where it is unusable or the index holds another pack's embeddings."""
    chosen = packs.chosen()
    held = IndexPack.objects.first()
    if held is not None and held.recogniser != chosen.recogniser_sha256:
        raise PackError(
            f"The index holds embeddings of the pack {held.name}, but PACK is {chosen.info.name}:"
            " set PACK back, or harvest anew into an empty index."
        )
    return chosen


def read_selfie(content: bytes) -> Selfie:
    """Raises PhotoRejected unless exactly one face dominates the photo."""
    return reading.read_selfie(content, packs.chosen())


def same_person(one: Embeddings, other: Embeddings) -> bool:
    """Whether the nearest two of these probes are as alike as ninety-nine of a hundred pairs of one person."""
    return bool((one @ other.T).max() >= calibrate.guard(calibration()))


def search(probes: Embeddings, *, known: Known | None = None) -> SearchResult:
    """Exact, over every face, those of hidden images too; each face once, by its best probe.

    `probes` are all that the case has: what is certain is promised for the case as a whole, so every further probe
    makes it stricter.

    With `known` it goes on from what is certain or confirmed (`matching.expansion`). That counts towards the
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
    if not cases:
        return []
    limits_for = bands()
    limits = [limits_for(len(case.probes)) for case in cases]
    hits = index().sweep([case.probes for case in cases], at_least=[limit.probable for limit in limits])
    found = [[match(hit, limit) for hit in some] for some, limit in zip(hits, limits, strict=True)]
    beyond = further(cases, found, limits, limits_for)
    return [SearchResult((*own, *more), limit) for own, more, limit in zip(found, beyond, limits, strict=True)]


def further(
    cases: Sequence[Sought], found: Sequence[Sequence[Match]], limits: Sequence[Thresholds], limits_for: LimitsFor
) -> list[list[Match]]:
    """What further probes of each case find that the subject's own did not, in one pass for all."""
    guard = calibrate.guard(calibration())
    probes = [more_probes(case, own, limit, guard) for case, own, limit in zip(cases, found, limits, strict=True)]
    if not any(map(len, probes)):
        return [[] for _ in cases]
    wide = [limits_for(len(case.probes) + len(more)).probable for case, more in zip(cases, probes, strict=True)]
    hits = index().sweep(probes, at_least=wide)
    return [
        theirs(case, own, some, probable, guard=guard) if len(more) else []
        for case, own, more, some, probable in zip(cases, found, probes, hits, wide, strict=True)
    ]


def more_probes(case: Sought, found: Sequence[Match], limits: Thresholds, guard: float) -> Embeddings:
    """(n, dim); none where the subject's own reach down to the guard themselves."""
    none = case.probes[:0]
    if case.known is None or not len(case.probes):
        return none
    if guard >= limits.probable and not len(case.known.mirrored):
        return none
    more = expansion.further(case.probes, case.known, certain_of(found))
    return more if len(more) else none


def theirs(case: Sought, found: Sequence[Match], hits: Sequence[Hit], probable: float, *, guard: float) -> list[Match]:
    """Of what further probes found, the faces that are new and may be the subject's."""
    assert case.known is not None
    ids = {match.face_id for match in found}
    candidates = [hit for hit in hits if hit.face_id not in ids]
    confirmed, limit = certain_of(found), min(guard, probable)
    kept = expansion.kept(candidates, case.probes, case.known, confirmed=confirmed, guard=limit)
    return [
        Match(hit.face_id, hit.image_id, hit.similarity, Band.PROBABLE, expanded=near_own < probable)
        for hit, near_own in kept
    ]


def certain_of(found: Sequence[Match]) -> list[Match]:
    return [match for match in found if match.band is Band.CERTAIN]


def operator_search(probes: Embeddings, *, limit: int = 100) -> tuple[Match, ...]:
    """What a client of the operator is shown: the same search without the hidden images. Errors: IndexBehind."""
    tombstones.require_replayed()
    limits = thresholds(len(probes))
    hits = index().search_shown(probes, at_least=limits.probable, limit=limit)
    return tuple(match(hit, limits) for hit in hits)


def probes_of(face_ids: Sequence[int]) -> dict[int, Embeddings]:
    """The embeddings of confirmed matches, each (dim,), to search on with; of those still in the index."""
    return expansion.embeddings_of(face_ids)


def thresholds(probes: int) -> Thresholds:
    return bands()(probes)


def bands() -> LimitsFor:
    """The thresholds for any number of probes, in the index as it is now: it is counted and asked for its pack once."""
    pack, measured, size = require_pack(), calibration(), index_size()
    return lambda probes: calibrate.thresholds(measured, pack=pack.info.name, index_size=size, probes=max(1, probes))


def calibration() -> Calibration | None:
    return calibrate.for_recogniser(require_pack().recogniser_sha256)


def match(hit: Hit, limits: Thresholds) -> Match:
    return Match(hit.face_id, hit.image_id, hit.similarity, calibrate.band(hit.similarity, limits))


def index_size() -> int:
    return index().size()


def images_at(addresses_given: Sequence[str]) -> tuple[UUID, ...]:
    """Images found on one of these pages, or lying at one of these addresses themselves."""
    digests = [addresses.digest(address) for address in addresses_given if address.strip()]
    there = Q(page_digest__in=digests) | Q(address_digest__in=digests)
    return tuple(HarvestedImage.objects.filter(there).order_by("id").values_list("id", flat=True))


def select(scope: Scope, *, after: UUID, most: int) -> list[UUID]:
    """The next images of a scope in the order of their ids, hidden ones too; begin after UUID(int=0)."""
    return list(_in(scope).filter(id__gt=after).order_by("id").values_list("id", flat=True)[:most])


def within(scope: Scope, image_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Those of the images that are of the scope."""
    return frozenset(_in(scope).filter(id__in=list(image_ids)).values_list("id", flat=True))


def count(scope: Scope) -> int:
    return _in(scope).count()


def _in(scope: Scope) -> QuerySet[HarvestedImage]:
    bounds = {
        "site": scope.site,
        "country": scope.country,
        "harvested_on__gte": scope.harvested_from,
        "harvested_on__lte": scope.harvested_until,
    }
    return HarvestedImage.objects.filter(**{name: bound for name, bound in bounds.items() if bound})


def provenance(image_ids: Iterable[UUID]) -> dict[UUID, Provenance]:
    rows = HarvestedImage.objects.filter(id__in=list(image_ids))
    return {row.id: Provenance(row.id, row.page, row.site, row.harvested_on, row.country) for row in rows}


def marks(image_ids: Iterable[UUID]) -> dict[UUID, Marks]:
    """By what others know these images; of those still in the index."""
    rows = HarvestedImage.objects.filter(id__in=list(image_ids))
    return {
        row.id: Marks(row.id, row.page, bytes(row.file_digest), bytes(row.page_digest), bytes(row.address_digest))
        for row in rows
    }


def take_disclosures(lines: Sequence[RegisterLine]) -> int:
    """Lines of the operator's register; one that is known is not taken twice. Returns how many were new."""
    return disclosures.take(lines)


def shown(image_ids: Iterable[UUID]) -> tuple[Shown, ...]:
    """Which clients of the operator were shown these images, in the order of the ids."""
    return disclosures.shown(image_ids)


def shown_and_gone(*, after: UUID, most: int) -> tuple[UUID, ...]:
    """Images that the register names and the index no longer holds, by id, a page at a time."""
    return disclosures.of_images_gone(after=after, most=most)


def refuse_addresses(image_ids: Sequence[UUID]) -> None:
    """From where these images came nothing enters again; while the index still says where that was. Idempotent."""
    with transaction.atomic():
        refusals.refuse(image_ids)
        _write_notes_on_commit()


def unrefused(image_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Read back of `refuse_addresses`: those of the images from whose addresses something could still enter."""
    return refusals.missing(image_ids)


def refused_edition() -> UUID:
    """Which list it is; positions mean something within one edition alone."""
    return refusals.edition()


def begin_refused_list_anew() -> None:
    """After a restore, whatever was noted: crawlers read it from the beginning."""
    refusals.begin_anew()


def refused_addresses(*, after: int, most: int) -> tuple[list[bytes], int]:
    """A page of the list, digests in the order they were added behind position `after`, and how long the list is."""
    # The size first: what is added meanwhile belongs to the next reading.
    size = refusals.size()
    return refusals.after(after, most), size


def preview(image_id: UUID, face_id: int | None, *, clear: bool) -> bytes | None:
    """A JPEG for staff. Only the subject's face can be recognised, and only where `clear`."""
    image = HarvestedImage.objects.filter(id=image_id).first()
    content = blobs.store().derived(image_id, blobs.UPRIGHT)
    if image is None or content is None:
        return None
    pixels = images.shrink(images.decode(content, images.HARVEST), redact.SIDE)
    scale = pixels.shape[1] / image.width
    boxes = {face_id: scaled(box, scale) for face_id, box in index().faces_of(image_id).items()}
    subject = boxes.get(face_id) if face_id is not None else None
    shown = redact.preview(pixels, subject=subject, faces=list(boxes.values()), clear=clear)
    return images.jpeg(shown, quality=80)


def scaled(box: Box, scale: float) -> Box:
    return Box(*(round(side * scale) for side in (box.left, box.top, box.right, box.bottom)))


def hide(image_ids: Sequence[UUID]) -> None:
    """Out of the operator's search from the next query on. Idempotent."""
    tombstones.record(Verb.HIDDEN, image_ids)
    HarvestedImage.objects.filter(id__in=image_ids, hidden_at=None).update(hidden_at=Now())


def unhide(image_ids: Sequence[UUID]) -> None:
    # Afterwards: an image shown by a transaction that fails must not be shown by a replay.
    transaction.on_commit(lambda: tombstones.record(Verb.SHOWN, image_ids))
    HarvestedImage.objects.filter(id__in=image_ids).update(hidden_at=None)


def searchable(image_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Read back of `hide`: those of the images that the operator's search could still return."""
    return index().shown(image_ids)


def erase(image_id: UUID, store: Store) -> None:
    """Idempotent, outside a transaction; works whatever the other stores still hold."""
    erase_many([image_id], store)


def erase_many(image_ids: Sequence[UUID], store: Store) -> None:
    """The same for a batch; where it fails, any part of the batch may be gone. Quickest in the order of the ids.

    Errors: IndexBehind, and nothing is gone: what was restored may have to be kept by a hold that the caller missed.
    """
    if store is Store.INDEX:
        tombstones.record(Verb.GONE, image_ids)
        index().remove(image_ids)
    else:
        tombstones.require_replayed()
        blobs.store().remove(image_ids, store)


def present(image_id: UUID, store: Store) -> bool:
    """Read back by looking into the store itself."""
    return bool(present_many([image_id], store))


def present_many(image_ids: Sequence[UUID], store: Store) -> frozenset[UUID]:
    """Those of the images of which the store still has something."""
    if store is Store.INDEX:
        return index().holds(image_ids)
    return blobs.store().holds(image_ids, store)


def purge(*, also: Iterable[str] = ()) -> PurgeReport:
    """Take deleted rows off the disk; outside a transaction. What could not be done is in the report.

    `also`: tables of the caller, which are rewritten where that takes a moment only.
    """
    return purging.purge(also)


def plant_canaries(count: int) -> dict[UUID, bytes]:
    """Images of nobody, to be erased and then looked for on the disk; by id, the bytes of the face's embedding.

    Errors: HarvestRunning.
    """
    return canaries.plant(count)


def unpurged(image_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Those of the erased images of which deleted rows may still lie on the disk; the others are purged."""
    return purging.unpurged(image_ids)


def is_behind() -> bool:
    """Whether the index comes from a backup taken before something was hidden or erased."""
    return tombstones.is_behind()


def replay_tombstones(*, everything: bool = False) -> Replayed:
    """Hide and erase again what a restored index, or with `everything` a restored image store, has brought back."""
    return tombstones.replay(everything=everything)


def journal(kind: str, subject: UUID, said: str) -> None:
    """In the caller's transaction: what a restored database must be told of this subject, once that has committed.

    `said` is one line, nothing personal in the clear; `bring_back_from_journal` names who reads it.
    """
    journals.note(kind, subject, said)
    _write_notes_on_commit()


def write_journal() -> None:
    """What a crash left unwritten."""
    tombstones.write_notes()


def _write_notes_on_commit() -> None:
    transaction.on_commit(tombstones.write_notes)


def bring_back_from_journal(kind: str, bring_back: Callable[[UUID, str], BroughtBack]) -> None:
    """Called once at the start for each kind of note; `bring_back` is given the last note of each subject."""
    tombstones.use_kind(kind, bring_back)


def use_image_keeper(keeper: ImageKeeper | None) -> None:
    """Called once at the start by whoever knows of legal holds and recipients."""
    tombstones.use_keeper(keeper)


@transaction.atomic
def block(block_id: UUID, templates: Embeddings, *, files: Iterable[bytes] = ()) -> bool:
    """Keep this face out of every batch that is admitted after the caller's transaction; False where it was already.

    `files` are SHA-256 digests of photos deleted for the same person: an exact copy never comes back.
    """
    content = blocks.Content(templates, tuple(files))
    _write_notes_on_commit()
    return blocks.make(block_id, content, recogniser=require_pack().recogniser_sha256)


@transaction.atomic
def unblock(block_id: UUID) -> bool:
    """False where no such block was in force. Whoever keeps its key destroys it."""
    _write_notes_on_commit()
    return blocks.revoke(block_id)


def blocks_in_force(block_ids: Sequence[UUID]) -> frozenset[UUID]:
    return frozenset(blocks.in_force().filter(id__in=block_ids).values_list("id", flat=True))


def blocks_revoked_since(moment: datetime) -> list[UUID]:
    return list(Block.objects.filter(revoked_at__gte=moment).values_list("id", flat=True))


def refused_by(block_id: UUID) -> int:
    """How often a photo was kept out because of this block."""
    return blocks.refused(block_id)


def block_counts() -> BlockCounts:
    return blocks.counts(packs.chosen().recogniser_sha256)


def unreadable_blocks() -> list[UUID]:
    """Blocks in force that cannot be opened; while there is one, nothing is harvested. Opens every block."""
    return blocks.unreadable()


def let_blocks_sleep() -> None:
    """Harvest although blocks made with another pack hold nothing back but exact copies."""
    blocks.let_sleep(packs.chosen().recogniser_sha256)


def exempt(address: str) -> None:
    """Let in photos of this page, or at this address, although a face in them resembles a block."""
    blocks.exempt(address)


def end_exemption(address: str) -> None:
    blocks.end_exemption(address)


def use_block_sealer(sealer: BlockSealer | None) -> None:
    """Called once at the start by whoever keeps the keys."""
    blocks.use_sealer(sealer)


@contextmanager
def one_harvest() -> Iterator[None]:
    """For an engine that takes in photos by itself: inside, `screen` answers. Errors: HarvestRunning."""
    with admission.only_one():
        yield


def screen(faces: Embeddings) -> NDArray[np.bool_]:
    """(n,) Which newly harvested faces may not enter. Every answer is counted.

    Errors: OutsideHarvest, HarvestRefused.
    """
    return screening.screen(faces)


def file_digests(image_ids: Iterable[UUID]) -> dict[UUID, bytes]:
    """SHA-256 of each photo as it was harvested."""
    found = HarvestedImage.objects.filter(id__in=list(image_ids)).values_list("id", "file_digest")
    return {image_id: bytes(digest) for image_id, digest in found}


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
    return harvesting.harvest(entries, index_pack(), on_progress, on_skipped, on_faceless)


def embeddings_in(file: Path) -> int:
    """How many rows there are to take in. Errors: BadEmbeddings."""
    return EmbeddingFile(file).count()


def harvest_embeddings(
    file: Path,
    *,
    ids: Path | None = None,
    recogniser: str = "",
    on_progress: Callable[[int], None] = lambda done: None,
    on_skipped: Callable[[str, str], None] = lambda name, reason: None,
) -> HarvestReport:
    """Faces embedded before; `recogniser` is the SHA-256 of the model that made them, where the file is silent.

    Errors: BadEmbeddings, PackError, HarvestRunning, HarvestRefused.
    """
    return ready.harvest(EmbeddingFile(file, ids), index_pack(), recogniser, on_progress, on_skipped)


def index_pack() -> Pack:
    """The chosen pack, which an empty index is from now on bound to. Errors: PackError."""
    chosen = require_pack()
    IndexPack.objects.get_or_create(
        defaults={
            "name": chosen.info.name,
            "recogniser": chosen.recogniser_sha256,
            "dim": chosen.info.dim,
        }
    )
    return chosen


def clear_leftovers() -> None:
    """Take away the photos of a harvest that was killed between photo and row; nothing while one is running."""
    with suppress(HarvestRunning), admission.only_one():
        admission.clear_leftovers()
