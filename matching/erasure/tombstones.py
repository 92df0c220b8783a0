"""What was decided about images, kept outside the database and its backups (matching.journal).

A restored database has forgotten what was hidden and erased since its backup, and what was told in notes. The file has
not, and nothing is answered from such a database until the rest has been replayed: the notes first, since a legal hold
is one of them, then the deeds. An image's id is random and says nothing about anybody.
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
from matching.blocklist import BLOCK_NOTE, bring_back_block
from matching.errors import IndexBehind
from matching.index import store as index
from matching.models import HarvestedImage
from matching.provenance import REFUSED_NOTE, begin_refused_list_anew, bring_back_refused, refuse_addresses
from matching.stores import blob_store
from matching.types import BroughtBack, ImageKeeper, Replayed, Store

log = structlog.get_logger()

# A line is on the disk a moment before the database has it; only what stays unseen longer comes from another time.
MOMENT = 1.0  # seconds
BATCH = 1000  # images erased again at a time

BringBack = Callable[[UUID, str], BroughtBack]


class Verb(StrEnum):
    HIDDEN = "hidden"
    SHOWN = "shown"
    GONE = "gone"


# How what each kind of note tells is brought back; idempotent.
_kinds: dict[str, BringBack] = {BLOCK_NOTE: bring_back_block, REFUSED_NOTE: bring_back_refused}
_keeper: ImageKeeper | None = None


def use_kind(kind: str, bring_back: BringBack) -> None:
    _kinds[kind] = bring_back


def use_keeper(keeper: ImageKeeper | None) -> None:
    global _keeper
    _keeper = keeper


def record(verb: Verb, image_ids: Iterable[UUID]) -> None:
    """On the disk when this returns. A database that is behind is brought up to date first.

    Errors: IndexBehind where it is behind and the caller holds a transaction, in which nothing can be erased; or where
    it was, and the caller erases: by what it has learned, the image may have to be kept.
    """
    instant = journal.now()
    lines = "".join(f"{instant} {verb} {image_id}\n" for image_id in image_ids).encode()
    while lines and not journal.append_unless_behind(lines):
        catch_up()
        if verb is Verb.GONE:
            raise IndexBehind("The index was behind its tombstones: ask again what is to be erased.")


def write_notes() -> None:
    """On the disk when this returns, if they have committed. Errors: as `record`."""
    while not journal.write_notes_unless_behind():
        catch_up()


def catch_up() -> None:
    """Errors: IndexBehind inside a transaction."""
    if connection.in_atomic_block:
        raise IndexBehind("The index is behind its tombstones.")
    replay()


def is_behind() -> bool:
    """Whether the database comes from before something that the file knows."""
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


def replay(*, everything: bool = False) -> Replayed:
    """Do again what the database, or with `everything` the image store too, may have forgotten.

    Idempotent, and outside a transaction, because an erasure takes one of its own.
    """
    with journal.one_replay():
        asked = journal.standing()
        if asked.since > asked.until:
            # Whoever has the file has the proof: without it a backup could bring images back unseen.
            log.error("matching.tombstones_lost", bytes_missing=asked.since - asked.until)
        notes = _bring_back(journal.notes(asked))
        replayed = _do_again(_last_verbs(0 if everything else asked.since, asked.until), notes)
        journal.has_seen(asked.since, asked.until)
        journal.write_notes_unless_behind()
    log.info(
        "matching.tombstones_replayed",
        gone=replayed.gone,
        came_back=len(replayed.came_back),
        held=replayed.held,
        returned=sum(replayed.returned.values()),
        lost=sum(replayed.lost.values()),
    )
    return replayed


def _bring_back(notes: Iterable[journal.Written]) -> Mapping[BroughtBack, Counter[str]]:
    counted: dict[BroughtBack, Counter[str]] = {outcome: Counter() for outcome in BroughtBack}
    for note in notes:
        if note.kind in _kinds:
            outcome = _kinds[note.kind](note.subject, note.said)
        else:  # of a later version
            log.error("matching.note_of_unknown_kind", kind=note.kind)
            outcome = BroughtBack.LOST
        counted[outcome][note.kind] += 1
    return counted


def _do_again(last: dict[UUID, Verb], notes: Mapping[BroughtBack, Counter[str]]) -> Replayed:
    by_verb = {verb: [image_id for image_id, was in last.items() if was is verb] for verb in Verb}
    gone = sorted(by_verb[Verb.GONE])
    kept = _held(gone)
    came_back = _erase_again([image_id for image_id in gone if image_id not in kept])
    out_of_search = [*by_verb[Verb.HIDDEN], *kept]
    hidden = HarvestedImage.objects.filter(id__in=out_of_search, hidden_at=None).update(hidden_at=Now())
    shown = HarvestedImage.objects.filter(id__in=by_verb[Verb.SHOWN], hidden_at__isnull=False).update(hidden_at=None)
    return Replayed(
        gone=len(gone),
        came_back=came_back,
        hidden=hidden,
        shown=shown,
        held=len(kept),
        returned=dict(notes[BroughtBack.NOW]),
        lost=dict(notes[BroughtBack.LOST]),
    )


def _held(image_ids: Sequence[UUID]) -> frozenset[UUID]:
    if _keeper is None:
        return frozenset()
    return frozenset(image_id for batch in batched(image_ids, BATCH) for image_id in _keeper.held(batch))


def _erase_again(image_ids: Sequence[UUID]) -> tuple[UUID, ...]:
    """Those of the images of which anything had come back.

    Where one came from, and who was shown it, is known as long as the index has it; so that goes last.
    """
    back: set[UUID] = set()
    for batch in batched(image_ids, BATCH):
        indexed = index().holds(batch)
        if refuse_addresses(sorted(indexed)):
            begin_refused_list_anew()
        if _keeper is not None:
            _keeper.tell(sorted(indexed))
        for store in (Store.DERIVED, Store.IMAGES):
            held = blob_store().holds(batch, store)
            blob_store().remove(sorted(held), store)
            back |= held
        index().remove(sorted(indexed))
        back |= indexed
    return tuple(sorted(back))


def batched(image_ids: Sequence[UUID], size: int) -> Iterator[Sequence[UUID]]:
    return (image_ids[at : at + size] for at in range(0, len(image_ids), size))


def _last_verbs(since: int, until: int) -> dict[UUID, Verb]:
    """What was decided last about each image; what is gone stays gone."""
    last: dict[UUID, Verb] = {}
    for deed in journal.deeds(since, until):
        if last.get(deed.image_id) is not Verb.GONE:
            last[deed.image_id] = Verb(deed.verb)
    return last
