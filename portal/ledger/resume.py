"""Signing again after a restore: only once the newest checkpoint that others hold is shown to be part of this log."""

from collections.abc import Iterable, Sequence

from django.db import transaction

from portal.core import clock
from portal.ledger import checkpoint, log, publication, rotation, sequencer, signers
from portal.ledger.checkpoint import Head
from portal.ledger.models import Leaf, Position
from portal.ledger.note import decode
from portal.ledger.tree import Tree


class Inconsistent(Exception):
    """The checkpoint and this database do not belong to one log; the text says how."""


@transaction.atomic
def resume(note: str, entries: Sequence[bytes] = ()) -> Head:
    """Take `note` as the newest checkpoint signed. `entries` is the published leaves file, from which leaves that the
    backup lacks are added again; what opened them is lost. Errors: Inconsistent, note.NoteError."""
    sequencer.lock()
    shown = checkpoint.read(note, rotation.known())
    _is_the_newest(shown)
    if entries:
        _add_what_is_missing(shown, entries)
    tree = log.reread(sequencer.size())
    if tree.size < shown.size:
        raise Inconsistent(f"this database has {tree.size} leaves, the checkpoint {shown.size}: give the leaves file")
    if tree.root(shown.size) != shown.root:
        raise Inconsistent("this database's leaves are not those of the checkpoint")
    publication.sign_again(shown)
    return shown


def _is_the_newest(shown: Head) -> None:
    """Of those known here, at least; only the regulators can know whether there was a newer one."""
    kept, published = signers.head(), publication.latest()
    known = checkpoint.read(kept, rotation.known()).size if kept else 0
    if shown.size < max(known, published.size if published else 0):
        raise Inconsistent("a newer checkpoint was signed than this one: show that")


def _add_what_is_missing(shown: Head, entries: Sequence[bytes]) -> None:
    if len(entries) < shown.size or Tree(entries[: shown.size]).root() != shown.root:
        raise Inconsistent("the leaves file is not that of the checkpoint")
    have = list(log.entries(0, sequencer.size()))
    if have != list(entries[: len(have)]):
        raise Inconsistent("this database's leaves are not those of the leaves file")
    for index, entry in enumerate(entries[len(have) : shown.size], start=len(have)):
        leaf, _made = Leaf.objects.get_or_create(hash=entry, defaults={"appended_at": clock.now()})
        Position.objects.create(index=index, leaf=leaf)


def read_leaves(lines: Iterable[str]) -> list[bytes]:
    """The published leaves file: one entry a line, in base64. Errors: note.NoteError."""
    return [decode(line.rstrip("\n")) for line in lines]
