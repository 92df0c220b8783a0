"""Decisions about images, kept in a file outside the database and its backups (matching.journal).

A restored database does not know what was hidden, erased or noted since its backup. The file does. Nothing is answered
from such a database until the file has been replayed: first the notes, because legal holds are among them, then the
deeds. An image's id is random and says nothing about anybody.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from uuid import UUID

import structlog
from django.db import connection
from django.db.models.functions import Now

from matching import journal
from matching.blocklist import BLOCK_NOTE, replay_block_note
from matching.errors import IndexBehind
from matching.index import store as index
from matching.models import HarvestedImage
from matching.provenance import REFUSED_NOTE, begin_refused_list_anew, refuse_addresses, replay_refused_note
from matching.stores import blob_store
from matching.types import ReplayHooks, ReplayOutcome, ReplayReport, Store

log = structlog.get_logger()

# A line is on the disk a moment before the database knows of it. Only if it stays unknown was a backup restored.
MOMENT = 1.0  # seconds
BATCH = 1000  # images erased again at a time

NoteReplayer = Callable[[UUID, str], ReplayOutcome]


class Verb(StrEnum):
    """The values are the words in the file."""

    HIDDEN = "hidden"
    UNHIDDEN = "shown"
    ERASED = "gone"


# By the kind of note: what does again what a note says. Idempotent.
_replayers: dict[str, NoteReplayer] = {BLOCK_NOTE: replay_block_note, REFUSED_NOTE: replay_refused_note}
_hooks: ReplayHooks | None = None


def use_note_replayer(kind: str, replay_note: NoteReplayer) -> None:
    _replayers[kind] = replay_note


def use_replay_hooks(keeper: ReplayHooks | None) -> None:
    global _hooks
    _hooks = keeper


def record(verb: Verb, image_ids: Iterable[UUID]) -> None:
    """Write the decision to the file; it is on the disk when this returns.

    A database that is behind the file is brought up to date first. Errors: IndexBehind, if it is behind and the caller
    holds a transaction, in which nothing can be erased; or if it was behind and the caller wants to erase, because a
    legal hold that was replayed may forbid that now.
    """
    instant = journal.now()
    lines = "".join(f"{instant} {verb} {image_id}\n" for image_id in image_ids).encode()
    while lines and not journal.append_unless_behind(lines):
        catch_up()
        if verb is Verb.ERASED:
            raise IndexBehind("The index was behind its tombstones: ask again what is to be erased.")


def write_notes() -> None:
    """Write the notes that have committed; they are on the disk when this returns. Errors: as `record`."""
    while not journal.write_notes_unless_behind():
        catch_up()


def catch_up() -> None:
    """Errors: IndexBehind inside a transaction."""
    if connection.in_atomic_block:
        raise IndexBehind("The index is behind its tombstones.")
    replay()


def is_behind() -> bool:
    """Whether the database is older than the file: it was restored from a backup."""
    until = time.monotonic() + MOMENT
    while journal.seen() != journal.size():
        if time.monotonic() > until:
            return True
        time.sleep(0.02)
    return False


def require_replayed() -> None:
    """Errors: IndexBehind."""
    if is_behind():
        raise IndexBehind("The index is older than what was erased from it; that is being erased again first.")


def replay(*, everything: bool = False) -> ReplayReport:
    """Do again what the restored database, or with `everything` also the restored image store, does not know.

    Idempotent. Call it outside a transaction, because an erasure takes one of its own.
    """
    with journal.one_replay():
        asked = journal.standing()
        if asked.since > asked.until:
            # Lines are missing, so a backup could have brought images back unnoticed.
            log.error("matching.tombstones_lost", bytes_missing=asked.since - asked.until)
        notes = _replay_notes(journal.notes(asked))
        replayed = _do_again(_last_verbs(0 if everything else asked.since, asked.until), notes)
        journal.has_seen(asked.since, asked.until)
        journal.write_notes_unless_behind()
    log.info(
        "matching.tombstones_replayed",
        erased=replayed.erased,
        came_back=len(replayed.came_back),
        held=replayed.held,
        notes_replayed=sum(replayed.notes_replayed.values()),
        notes_lost=sum(replayed.notes_lost.values()),
    )
    return replayed


def _replay_notes(notes: Iterable[journal.Written]) -> Mapping[ReplayOutcome, Counter[str]]:
    counted: dict[ReplayOutcome, Counter[str]] = {outcome: Counter() for outcome in ReplayOutcome}
    for note in notes:
        if note.kind in _replayers:
            outcome = _replayers[note.kind](note.subject, note.said)
        else:  # of a later version
            log.error("matching.note_of_unknown_kind", kind=note.kind)
            outcome = ReplayOutcome.IMPOSSIBLE
        counted[outcome][note.kind] += 1
    return counted


def _do_again(last: dict[UUID, Verb], notes: Mapping[ReplayOutcome, Counter[str]]) -> ReplayReport:
    by_verb = {verb: [image_id for image_id, was in last.items() if was is verb] for verb in Verb}
    erased = sorted(by_verb[Verb.ERASED])
    kept = _held(erased)
    came_back = _erase_again([image_id for image_id in erased if image_id not in kept])
    out_of_search = [*by_verb[Verb.HIDDEN], *kept]
    hidden = HarvestedImage.objects.filter(id__in=out_of_search, hidden_at=None).update(hidden_at=Now())
    unhidden = HarvestedImage.objects.filter(id__in=by_verb[Verb.UNHIDDEN], hidden_at__isnull=False).update(
        hidden_at=None
    )
    return ReplayReport(
        erased=len(erased),
        came_back=came_back,
        hidden=hidden,
        unhidden=unhidden,
        held=len(kept),
        notes_replayed=dict(notes[ReplayOutcome.DONE]),
        notes_lost=dict(notes[ReplayOutcome.IMPOSSIBLE]),
    )


def _held(image_ids: Sequence[UUID]) -> frozenset[UUID]:
    if _hooks is None:
        return frozenset()
    return frozenset(image_id for batch in batched(image_ids, BATCH) for image_id in _hooks.held(batch))


def _erase_again(image_ids: Sequence[UUID]) -> tuple[UUID, ...]:
    """Returns those of the images of which some store held something again.

    The index goes last, because it alone knows where an image came from and to whom it was disclosed.
    """
    back: set[UUID] = set()
    for batch in batched(image_ids, BATCH):
        indexed = index().present(batch)
        if refuse_addresses(sorted(indexed)):
            begin_refused_list_anew()
        if _hooks is not None:
            _hooks.record_recipients(sorted(indexed))
        for store in (Store.DERIVED, Store.IMAGES):
            held = blob_store().present(batch, store)
            blob_store().remove(sorted(held), store)
            back |= held
        index().remove(sorted(indexed))
        back |= indexed
    return tuple(sorted(back))


def batched(image_ids: Sequence[UUID], size: int) -> Iterator[Sequence[UUID]]:
    return (image_ids[at : at + size] for at in range(0, len(image_ids), size))


def _last_verbs(since: int, until: int) -> dict[UUID, Verb]:
    """The last decision about each image; one that was erased stays erased."""
    last: dict[UUID, Verb] = {}
    for deed in journal.deeds(since, until):
        if last.get(deed.image_id) is not Verb.ERASED:
            last[deed.image_id] = Verb(deed.verb)
    return last
