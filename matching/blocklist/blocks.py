"""Do-not-harvest entries: made, revoked, and opened in the memory of a harvest alone. The one writer of their state.

What a block holds is sealed by whoever keeps the keys, outside this package; without that sealer a block can neither
be made nor opened, and no harvest runs past one.
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
# Sealed values come in few sizes, so that theirs does not tell how many images a person had.
PADDED_TO = 4096

AT_ONCE = 1000  # read from the database
KEPT = ("state", "recogniser", "templates", "sealed", "made_at", "refused")  # of a block, in the journal

_sealer: BlockSealer | None = None


@dataclass(frozen=True)
class Content:
    """What a block holds: templates of one person, and the digests of files that were deleted for them."""

    templates: Embeddings
    files: tuple[bytes, ...]


class Opened(NamedTuple):
    block: Block
    content: Content


def use_sealer(sealer: BlockSealer | None) -> None:
    global _sealer
    _sealer = sealer


def sealer() -> BlockSealer:
    if _sealer is None:
        raise HarvestRefused("There are blocks, and nothing to open them with: no key store was handed over.")
    return _sealer


@transaction.atomic
def make(block_id: UUID, content: Content, *, recogniser: str) -> bool:
    """Holds for every batch that is admitted after this commits. False where it was made before: files are added then,
    and a block that was revoked stays so."""
    generation = change_list()
    held = Block.objects.select_for_update().filter(id=block_id).first()
    if held is None:
        sealed = sealer().seal(block_id, packed(content))
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
    content = read(block)
    if new := tuple(digest for digest in files if digest not in content.files):
        more = Content(content.templates, content.files + new)
        sealed = sealer().seal(block.id, packed(more))
        Block.objects.filter(id=block.id).update(sealed=sealed, changed_in=generation)
        note(block.id)


@transaction.atomic
def revoke(block_id: UUID) -> bool:
    """False where there was no such block in force. The next batch is admitted without it."""
    change_list()
    revoked = in_force().filter(id=block_id).update(state=BlockState.REVOKED, sealed=None, revoked_at=Now())
    if revoked:
        note(block_id)
    return bool(revoked)


def note(block_id: UUID) -> None:
    """Ciphertext alone: once its key is destroyed, what stays in the journal opens to nobody."""
    row = Block.objects.filter(id=block_id).values(*KEPT).get()
    sealed = base64.b64encode(bytes(row["sealed"])).decode() if row["sealed"] is not None else None
    journal.note(NOTE, block_id, json.dumps({**row, "sealed": sealed}, default=str, separators=(",", ":")))


@transaction.atomic
def replay_note(block_id: UUID, said: str) -> ReplayOutcome:
    """As a restored database had forgotten it: made, added to or revoked."""
    told = json.loads(said)
    sealed = base64.b64decode(told.pop("sealed") or "") or None
    there = Block.objects.filter(id=block_id).first()
    if there is not None and (there.state == BlockState.REVOKED or bytes(there.sealed or b"") == sealed):
        return ReplayOutcome.ALREADY_DONE
    if sealed is not None and not _opens(block_id, sealed):
        return ReplayOutcome.IMPOSSIBLE  # revoked since, or its key is lost: in force it would stop every harvest
    if sealed is None:
        told |= {"revoked_at": Now()}  # from now on its key is looked for
    generation = change_list()
    Block.objects.update_or_create(id=block_id, defaults={**told, "sealed": sealed, "changed_in": generation})
    return ReplayOutcome.DONE


def _opens(block_id: UUID, sealed: bytes) -> bool:
    try:
        sealer().unseal(block_id, sealed)
    except (LookupError, ValueError):
        return False
    return True


def change_list() -> int:
    """The new generation. Taken before any row of the list, so that a harvest that holds it waits for no block."""
    BlockList.objects.get_or_create(id=1)
    BlockList.objects.filter(id=1).update(generation=F("generation") + 1)
    return BlockList.objects.get(id=1).generation


def in_force() -> "QuerySet[Block]":
    return Block.objects.filter(state=BlockState.ACTIVE)


def in_force_among(block_ids: Sequence[UUID]) -> frozenset[UUID]:
    return frozenset(in_force().filter(id__in=block_ids).values_list("id", flat=True))


def revoked_since(moment: datetime) -> list[UUID]:
    return list(Block.objects.filter(revoked_at__gte=moment).values_list("id", flat=True))


def opened(block_ids: Sequence[UUID]) -> Iterator[Opened]:
    """Those of the blocks that can be opened: not one whose key is gone, or whose bytes are not what was sealed."""
    for start in range(0, len(block_ids), AT_ONCE):
        for block in in_force().filter(id__in=block_ids[start : start + AT_ONCE]):
            with suppress(LookupError, ValueError):
                yield Opened(block, read(block))


def read(block: Block) -> Content:
    """Errors: LookupError where the key is gone, ValueError where the bytes are not what was sealed."""
    assert block.sealed is not None
    return unpacked(sealer().unseal(block.id, bytes(block.sealed)))


def unreadable() -> list[UUID]:
    listed = list(in_force().order_by("id").values_list("id", flat=True))
    return sorted(set(listed) - {found.block.id for found in opened(listed)})


def packed(content: Content) -> bytes:
    """Header, templates (float32), digests, zeros."""
    count, dim = content.templates.shape
    head = HEADER.pack(MAGIC, count, dim, len(content.files))
    plain = head + content.templates.astype("<f4").tobytes() + b"".join(content.files)
    return plain + bytes(-len(plain) % PADDED_TO)


def unpacked(plain: bytes) -> Content:
    magic, count, dim, files = HEADER.unpack_from(plain)
    if magic != MAGIC:
        raise ValueError("not a block")
    rows = np.frombuffer(plain, "<f4", count * dim, HEADER.size).reshape(count, dim)
    start = HEADER.size + rows.nbytes
    digests = (plain[start + n * DIGEST_BYTES : start + (n + 1) * DIGEST_BYTES] for n in range(files))
    return Content(rows.astype(np.float32), tuple(digests))


def counts(recogniser: str) -> BlockCounts:
    found = in_force().aggregate(active=Count("id"), dormant=Count("id", filter=~Q(recogniser=recogniser)))
    return BlockCounts(active=found["active"], dormant=found["dormant"], exemptions=Exemption.objects.count())


def refused(block_id: UUID) -> int:
    return Block.objects.filter(id=block_id).values_list("refused", flat=True).first() or 0


@transaction.atomic
def accept_dormant(recogniser: str) -> None:
    """The operator knows that blocks of another pack do not hold under this one."""
    change_list()
    BlockList.objects.filter(id=1).update(sleep_accepted_for=recogniser)


def exempt(address: str) -> None:
    """Photos at this address, or on this page, come in although a face resembles a block. Idempotent."""
    Exemption.objects.get_or_create(address_digest=digest_of_address(address))


def end_exemption(address: str) -> None:
    for form, digest in spellings_of_address(address):
        Exemption.objects.filter(form=form, address_digest=digest).delete()


def exempted(spellings: Collection[Spelling]) -> frozenset[Spelling]:
    found = Exemption.objects.filter(address_digest__in={digest for _form, digest in spellings})
    there = ((form, bytes(digest)) for form, digest in found.values_list("form", "address_digest"))
    return frozenset(spelling for spelling in there if spelling in spellings)
