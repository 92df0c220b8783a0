"""Blocks: how they are made, revoked, and opened in the memory of a harvest. Only this module writes their state.

What a block holds is sealed by the part that keeps the keys, outside this package. Without that sealer a block can
neither be made nor opened, and every harvest is refused while there are blocks.
"""

import base64
import hashlib
import json
import struct
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import numpy as np
from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Now

from matching import journal
from matching.errors import HarvestRefused
from matching.models import Block, BlockList, BlockState, Exemption
from matching.provenance import digest_of_address, spellings_of_address
from matching.types import BlockCounts, BlockSealer, Embeddings, ReplayOutcome, Spelling

NOTE = "block"

HEADER = struct.Struct("<4sHHI")
MAGIC = b"blk1"
DIGEST_BYTES = hashlib.sha256().digest_size
# Padded, so that the size of a sealed block does not tell how many images a person had.
PADDED_TO = 4096

AT_ONCE = 1000  # read from the database
KEPT = ("state", "recogniser", "templates", "sealed", "made_at", "refused")  # of a block, in the journal

_sealer: BlockSealer | None = None


@dataclass(frozen=True)
class BlockContent:
    """What a block holds: templates of one person, and the digests of files that were deleted for them."""

    templates: Embeddings
    files: tuple[bytes, ...]


class OpenedBlock(NamedTuple):
    block: Block
    content: BlockContent


def use_sealer(sealer: BlockSealer | None) -> None:
    global _sealer
    _sealer = sealer


def sealer() -> BlockSealer:
    if _sealer is None:
        raise HarvestRefused("There are blocks, but no key store to open them with.")
    return _sealer


@transaction.atomic
def make(block_id: UUID, content: BlockContent, *, recogniser: str) -> bool:
    """Make a block, which holds for every batch that is admitted after this commits.

    Returns False if it was made before: new files are added to it then, and a revoked block stays revoked.
    Errors: HarvestRefused, without a sealer.
    """
    generation = begin_generation()
    held = Block.objects.select_for_update().filter(id=block_id).first()
    if held is None:
        sealed = sealer().seal(block_id, to_bytes(content))
        Block.objects.create(
            id=block_id,
            recogniser=recogniser,
            templates=len(content.templates),
            sealed=sealed,
            changed_in=generation,
            made_at=Now(),
        )
        note(block_id)
    elif held.state == BlockState.ACTIVE:
        add_files(held, content.files, generation)
    return held is None


def add_files(block: Block, files: Sequence[bytes], generation: int) -> None:
    content = unseal(block)
    if new := tuple(digest for digest in files if digest not in content.files):
        more = BlockContent(content.templates, content.files + new)
        sealed = sealer().seal(block.id, to_bytes(more))
        Block.objects.filter(id=block.id).update(sealed=sealed, changed_in=generation)
        note(block.id)


@transaction.atomic
def revoke(block_id: UUID) -> bool:
    """Revoke a block; False if it was not active. The next batch is admitted without it."""
    begin_generation()
    revoked = active_blocks().filter(id=block_id).update(state=BlockState.REVOKED, sealed=None, revoked_at=Now())
    if revoked:
        note(block_id)
    return bool(revoked)


def note(block_id: UUID) -> None:
    """Note the block's state in the journal, as ciphertext: nobody can open it once its key is destroyed."""
    row = Block.objects.filter(id=block_id).values(*KEPT).get()
    sealed = base64.b64encode(bytes(row["sealed"])).decode() if row["sealed"] is not None else None
    journal.note(NOTE, block_id, json.dumps({**row, "sealed": sealed}, default=str, separators=(",", ":")))


@transaction.atomic
def replay_note(block_id: UUID, said: str) -> ReplayOutcome:
    """Make, extend or revoke the block again in a restored database that does not know of it."""
    told = json.loads(said)
    sealed = base64.b64decode(told.pop("sealed") or "") or None
    there = Block.objects.filter(id=block_id).first()
    if there is not None and (there.state == BlockState.REVOKED or bytes(there.sealed or b"") == sealed):
        return ReplayOutcome.ALREADY_DONE
    if sealed is not None and not _opens(block_id, sealed):
        return ReplayOutcome.IMPOSSIBLE  # revoked since, or its key is lost; active it would stop every harvest
    if sealed is None:
        told |= {"revoked_at": Now()}  # so that a later run destroys its key, if it still exists
    generation = begin_generation()
    Block.objects.update_or_create(id=block_id, defaults={**told, "sealed": sealed, "changed_in": generation})
    return ReplayOutcome.DONE


def _opens(block_id: UUID, sealed: bytes) -> bool:
    try:
        sealer().unseal(block_id, sealed)
    except (LookupError, ValueError):
        return False
    return True


def begin_generation() -> int:
    """Begin a new generation of the list. It is locked before any block, so that nothing deadlocks with a harvest."""
    BlockList.objects.get_or_create(id=1)
    BlockList.objects.filter(id=1).update(generation=F("generation") + 1)
    return BlockList.objects.get(id=1).generation


def active_blocks() -> "QuerySet[Block]":
    return Block.objects.filter(state=BlockState.ACTIVE)


def active_among(block_ids: Sequence[UUID]) -> frozenset[UUID]:
    return frozenset(active_blocks().filter(id__in=block_ids).values_list("id", flat=True))


def revoked_since(moment: datetime) -> list[UUID]:
    return list(Block.objects.filter(revoked_at__gte=moment).values_list("id", flat=True))


def opened(block_ids: Sequence[UUID]) -> Iterator[OpenedBlock]:
    """Those of the blocks that can be opened: the key exists, and the bytes are what was sealed."""
    for start in range(0, len(block_ids), AT_ONCE):
        for block in active_blocks().filter(id__in=block_ids[start : start + AT_ONCE]):
            with suppress(LookupError, ValueError):
                yield OpenedBlock(block, unseal(block))


def unseal(block: Block) -> BlockContent:
    """What the block holds. Errors: LookupError, if its key is gone; ValueError, if these are not the sealed bytes."""
    assert block.sealed is not None
    return from_bytes(sealer().unseal(block.id, bytes(block.sealed)))


def unreadable_blocks() -> list[UUID]:
    listed = list(active_blocks().order_by("id").values_list("id", flat=True))
    return sorted(set(listed) - {found.block.id for found in opened(listed)})


def to_bytes(content: BlockContent) -> bytes:
    """Header, templates (float32), digests, zeros."""
    count, dim = content.templates.shape
    head = HEADER.pack(MAGIC, count, dim, len(content.files))
    plain = head + content.templates.astype("<f4").tobytes() + b"".join(content.files)
    return plain + bytes(-len(plain) % PADDED_TO)


def from_bytes(plain: bytes) -> BlockContent:
    magic, count, dim, files = HEADER.unpack_from(plain)
    if magic != MAGIC:
        raise ValueError("These bytes are not a block.")
    rows = np.frombuffer(plain, "<f4", count * dim, HEADER.size).reshape(count, dim)
    start = HEADER.size + rows.nbytes
    digests = (plain[start + n * DIGEST_BYTES : start + (n + 1) * DIGEST_BYTES] for n in range(files))
    return BlockContent(rows.astype(np.float32), tuple(digests))


def counts(recogniser: str) -> BlockCounts:
    found = active_blocks().aggregate(active=Count("id"), dormant=Count("id", filter=~Q(recogniser=recogniser)))
    return BlockCounts(active=found["active"], dormant=found["dormant"], exemptions=Exemption.objects.count())


def photos_kept_out_by(block_id: UUID) -> int:
    return Block.objects.filter(id=block_id).values_list("refused", flat=True).first() or 0


@transaction.atomic
def accept_dormant(recogniser: str) -> None:
    """Record that the operator accepts that blocks of other packs do not hold under this one."""
    begin_generation()
    BlockList.objects.filter(id=1).update(sleep_accepted_for=recogniser)


def exempt(address: str) -> None:
    """Admit photos at this address, or on this page, although a face matches a block. Idempotent."""
    Exemption.objects.get_or_create(address_digest=digest_of_address(address))


def end_exemption(address: str) -> None:
    for form, digest in spellings_of_address(address):
        Exemption.objects.filter(form=form, address_digest=digest).delete()


def exempted(spellings: Collection[Spelling]) -> frozenset[Spelling]:
    found = Exemption.objects.filter(address_digest__in={digest for _form, digest in spellings})
    there = ((form, bytes(digest)) for form, digest in found.values_list("form", "address_digest"))
    return frozenset(spelling for spelling in there if spelling in spellings)
