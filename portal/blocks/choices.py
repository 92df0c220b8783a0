"""The subject's choice to be kept out: made with the request, kept after it, taken back by whoever holds its code."""

import base64
import json
from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID, uuid4

from django.db import transaction

from matching import service
from matching.types import Embeddings, ReplayOutcome
from portal.audit import append
from portal.audit.tags import Tag
from portal.blocks import codes, recovery
from portal.blocks.models import Choice
from portal.blocks.recovery import Left
from portal.core import clock, sealed
from portal.jobs import queue
from portal.policies import retention

# Of the words that were agreed to; another wording is another number.
WORDING = 2
_PURPOSE = "block-files"
NOTE = "choice"
_BYTES = ("code_digest", "files_sealed", "recovery_sealed")
_KEPT = ("block", "chosen_at", "begins_at", "ends_on", "may_see_count", "recovery_key", *_BYTES)


def chosen(case: UUID) -> bool:
    return Choice.objects.filter(case=case).exists()


def recoverable(case: UUID) -> bool:
    """Whether the subject leaves an address for the day on which the code is lost."""
    return Choice.objects.filter(case=case, recovery_key__isnull=False).exists()


@transaction.atomic
def choose(case: UUID, *, key_id: UUID, recoverable: bool = False) -> None:
    """What is left for a lost code is taken with the request, when the address in it stands."""
    defaults = {"code_digest": codes.digest(codes.of(key_id)), "chosen_at": clock.now()}
    if Choice.objects.get_or_create(case=case, defaults=defaults)[1]:
        append.append(Tag.BLOCK_CHOSEN, about=case, wording=WORDING)
    Choice.objects.filter(case=case).update(recovery_key=uuid4() if recoverable else None)


@transaction.atomic
def decline(case: UUID) -> None:
    """Not to be kept out, or no longer: before the request is sent, or by withdrawing it."""
    choice = Choice.objects.select_for_update().filter(case=case).first()
    if choice is not None:
        _drop(choice)
        append.append(Tag.BLOCK_DECLINED, about=case)


@transaction.atomic
def begin(case: UUID, *, at: datetime, may_see_count: bool, left: Left | None = None) -> None:
    """With the request: what is told of the block follows from this day, whatever becomes of the case."""
    choice = Choice.objects.select_for_update().filter(case=case).first()
    if choice is None:
        return
    choice.begins_at, choice.ends_on, choice.may_see_count = at, retention.BLOCK.last_day(at.date()), may_see_count
    if left is not None and choice.recovery_key is not None:
        choice.recovery_sealed = recovery.seal(choice.recovery_key, left)
        append.append(Tag.BLOCK_ADDRESS_LEFT, about=case)
    choice.save()
    _note(case)


def note_files(case: UUID, *, key_id: UUID, images: Iterable[UUID]) -> None:
    """Remember what the photos were while their rows are there; an exact copy of a deleted one never comes back."""
    choice = Choice.objects.select_for_update().filter(case=case).first()
    if choice is not None:
        noted = _noted(choice, key_id) | service.file_digests(images)
        plain = json.dumps({str(image): digest.hex() for image, digest in noted.items()}).encode()
        choice.files_sealed = sealed.seal(key_id, plain, purpose=_PURPOSE)
        choice.save(update_fields=["files_sealed"])
        _note(case)


def _noted(choice: Choice, key_id: UUID) -> dict[UUID, bytes]:
    if choice.files_sealed is None:
        return {}
    kept = json.loads(sealed.unseal(key_id, choice.files_sealed, purpose=_PURPOSE))
    return {UUID(image): bytes.fromhex(digest) for image, digest in kept.items()}


@transaction.atomic
def keep_out(case: UUID, *, key_id: UUID, templates: Embeddings, deleted: Iterable[UUID]) -> bool:
    """Make the block of a case that asked for one. `deleted`: the images that were deleted in it, and stay so.

    True where it was made now: what was harvested until this commits may have been missed by an earlier search.
    """
    choice = Choice.objects.select_for_update().filter(case=case).first()
    if choice is None or not (len(templates) or service.active_blocks([choice.block])):
        return False
    noted, wanted = _noted(choice, key_id), set(deleted)
    files = sorted({digest for image, digest in noted.items() if image in wanted})
    made = service.block(choice.block, templates, files=files)
    if made:
        append.append(Tag.BLOCK_MADE, about=choice.block, case=case)
    return made


@transaction.atomic
def lift(case: UUID) -> None:
    """The case was refused: nobody is kept out. The choice stays, so that its holder sees no difference."""
    choice = Choice.objects.select_for_update().filter(case=case).first()
    if choice is not None and service.unblock(choice.block):
        append.append(Tag.BLOCK_ENDED, about=choice.block, reason="refused")
        queue.enqueue("block.destroy_key", choice.block)


def forget(case: UUID) -> None:
    """What was sealed under the key of the case goes with it."""
    if Choice.objects.filter(case=case, files_sealed__isnull=False).update(files_sealed=None):
        _note(case)


# --- by its code ---


def of_code(code: str) -> Choice | None:
    known = Choice.objects.filter(code_digest=codes.digest(code), begins_at__isnull=False)
    return known.first() if codes.plain(code) else None


@transaction.atomic
def renew(choice: Choice) -> date:
    """For another term from today."""
    choice.ends_on = retention.BLOCK.last_day(clock.today())
    Choice.objects.filter(pk=choice.pk).update(ends_on=choice.ends_on)
    _note(choice.case)
    append.append(Tag.BLOCK_RENEWED, about=choice.block)
    return choice.ends_on


@transaction.atomic
def revoke(choice: Choice) -> None:
    _drop(choice)
    append.append(Tag.BLOCK_REVOKED, about=choice.block)


@transaction.atomic
def end(choice: Choice) -> None:
    """Its term is over, and nobody renewed it."""
    _drop(choice)
    append.append(Tag.BLOCK_ENDED, about=choice.block, reason="term")


def _drop(choice: Choice) -> None:
    """From this commit on no batch asks it. The key goes in a job, since a key does not come back on rollback."""
    service.unblock(choice.block)
    Choice.objects.filter(pk=choice.pk).delete()
    if choice.begins_at is not None:
        service.journal(NOTE, choice.case, "")
    queue.enqueue("block.destroy_key", choice.block)
    if choice.recovery_key is not None:
        queue.enqueue("block.destroy_key", choice.recovery_key)


def _note(case: UUID) -> None:
    """For a database restored from before; a choice that was never sent is not told."""
    if said := _said(case):
        service.journal(NOTE, case, said)


def _said(case: UUID) -> str:
    """Nothing in it names anybody; empty for a choice that was not sent."""
    row = Choice.objects.filter(case=case, begins_at__isnull=False).values(*_KEPT).first()
    if row is None:
        return ""
    encoded = {name: base64.b64encode(bytes(row[name])).decode() for name in _BYTES if row[name] is not None}
    return json.dumps({**row, **encoded}, default=str, separators=(",", ":"))


@transaction.atomic
def replay_note(case: UUID, said: str) -> ReplayOutcome:
    """As the journal tells it, in a database that has forgotten it; the block has a note of its own.

    Its holder sees what they saw before, whether or not the case came back with the backup.
    """
    if not said:
        gone = Choice.objects.filter(case=case).delete()[0]
        return ReplayOutcome.DONE if gone else ReplayOutcome.ALREADY_DONE
    told = json.loads(said)
    told |= {name: base64.b64decode(told[name]) for name in _BYTES if told.get(name) is not None}
    there = Choice.objects.filter(case=case).first()
    if there is not None and all(_same(getattr(there, name), told.get(name)) for name in _KEPT):
        return ReplayOutcome.ALREADY_DONE
    Choice.objects.update_or_create(case=case, defaults=told)
    append.append(Tag.BLOCK_CHOICE_BROUGHT_BACK, about=case)
    return ReplayOutcome.DONE


def _same(there: object, told: object) -> bool:
    return bytes(there) == told if isinstance(there, memoryview) else str(there) == str(told)
