"""Checkpoints (C2SP tlog-checkpoint): the origin, size and root of the log, as the text of a signed note."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from portal.ledger import note
from portal.ledger.note import NoteError, Signer, Verifier
from portal.ledger.tree import HASH_BYTES

# "the ASCII decimal representation of the number of leaves in the tree, with no leading zeroes"
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")


@dataclass(frozen=True)
class Head:
    """What a checkpoint states."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{note.encode(self.root)}\n"


def sign(head: Head, signers: Iterable[Signer]) -> str:
    return note.sign(head.text, signers)


def read(checkpoint: str, verifiers: Iterable[Verifier]) -> Head:
    """What the note states, once the log's key has signed it. Extension lines are ignored. Errors: NoteError."""
    known = list(verifiers)
    lines = note.verified_text(checkpoint, known)[:-1].split("\n")
    if len(lines) < 3 or "" in lines or lines[0] not in {verifier.name for verifier in known}:
        raise NoteError("not a checkpoint of this log")
    root = note.decode(lines[2])
    if not _SIZE.fullmatch(lines[1]) or len(root) != HASH_BYTES:
        raise NoteError("not a checkpoint")
    return Head(lines[0], int(lines[1]), root)
