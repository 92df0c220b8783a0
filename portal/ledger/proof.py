"""Proofs of inclusion that are checked offline (C2SP tlog-proof): entry, path and checkpoint in one file."""

from collections.abc import Sequence

from portal.ledger import note

FIRST_LINE = "c2sp.org/tlog-proof@v1"


def write(*, extra: bytes, index: int, path: Sequence[bytes], checkpoint: str) -> str:
    """`extra` is what the verifier needs to compute the entry; the checkpoint is included verbatim."""
    lines = [FIRST_LINE, f"extra {note.encode(extra)}", f"index {index}", *(note.encode(step) for step in path)]
    return "\n".join(lines) + "\n\n" + checkpoint
