"""Signing the log: the newest leaves numbered, the whole log read anew, a checkpoint signed, kept and published.

"A log MUST not sign any checkpoint which is inconsistent with any checkpoint it previously signed" (C2SP
tlog-checkpoint). So the newest one signed is kept outside the database too, written there before anybody sees it, and
whatever does not grow out of it is not signed.
"""

from collections.abc import Callable

from django.db import transaction

from portal.core import clock
from portal.ledger import checkpoint, log, sequencer, signers
from portal.ledger.checkpoint import Head
from portal.ledger.models import Checkpoint
from portal.ledger.tree import EMPTY, Tree

Tell = Callable[[Checkpoint], None]


def _tell_nobody(_kept: Checkpoint) -> None:
    """Until somebody wants to know."""


_tell: Tell = _tell_nobody


def use_tell(tell: Tell) -> None:
    """Called once at the start by whoever tells others; of every checkpoint, in the transaction that keeps it."""
    global _tell
    _tell = tell


class Held(Exception):
    """Nothing is signed until `manage.py ledger resume` is shown the newest checkpoint that others hold."""


def publish() -> Checkpoint | None:
    """Number the new leaves, sign and keep a checkpoint; None when nothing was added. Errors: Held, NoKey."""
    # Apart, so that the leaves have their places whatever comes of the signing; but not on top of a log that lost some.
    with transaction.atomic():
        sequencer.lock()
        tree = log.reread(sequencer.size())
        _require_grown(tree, newest_signed(), sequencer.size())
        size = sequencer.number()
    with transaction.atomic():
        sequencer.lock()
        signed = newest_signed()
        _keep_what_was_cut_off(signed)
        log.grow(tree, size)
        _require_grown(tree, signed, size)
        if size == signed.size:
            return None
        note = checkpoint.sign(Head(signed.origin, size, tree.root(size)), signers.load())
        signers.write_head(note)
        return _keep(note, size, tree.root(size))


def sign_again(signed: Head) -> None:
    """The same statement under the keys that sign now; nothing where nothing was ever signed."""
    if not signed.size:
        return
    with transaction.atomic():
        sequencer.lock()
        note = checkpoint.sign(signed, signers.load())
        signers.write_head(note)
        if not Checkpoint.objects.filter(note=note).exists():
            _keep(note, signed.size, signed.root)


def newest_signed() -> Head:
    """What this machine signed last, by the file outside the database. Errors: Held, NoKey."""
    origin, kept = signers.origin(), signers.head()
    if kept is None:
        raise Held("the newest checkpoint is not known here")
    return checkpoint.read(kept, signers.verifiers()) if kept else Head(origin, 0, EMPTY)


def latest() -> Checkpoint | None:
    return Checkpoint.objects.order_by("-pk").first()


def newest(most: int) -> list[Checkpoint]:
    return list(Checkpoint.objects.order_by("-pk")[:most])


def _require_grown(tree: Tree, signed: Head, size: int) -> None:
    """The database's log begins with all that was signed. Errors: Held."""
    published = latest()
    if size < signed.size or (published is not None and published.size > signed.size):
        raise Held("the database and the newest checkpoint are of different ages: was a backup restored?")
    if tree.size != size or tree.root(signed.size) != signed.root:
        raise Held("the leaves are not those that were signed")


def _keep_what_was_cut_off(signed: Head) -> None:
    """A process that died between the file and the table left a checkpoint that is known outside the table alone."""
    note = signers.head() or ""
    if signed.size and not Checkpoint.objects.filter(note=note).exists():
        _keep(note, signed.size, signed.root)


def _keep(note: str, size: int, root: bytes) -> Checkpoint:
    kept = Checkpoint.objects.create(note=note, size=size, root=root, published_at=clock.now())
    _tell(kept)
    return kept
