"""Proofs that are checked offline, each with its checkpoint in one file: that an entry is in the log (C2SP tlog-proof),
and that the log grew out of an earlier one (the body that C2SP tlog-witness takes)."""

from collections.abc import Sequence

from portal.ledger import note

FIRST_LINE = "c2sp.org/tlog-proof@v1"


def write(*, extra: bytes, index: int, path: Sequence[bytes], checkpoint: str) -> str:
    """`extra` is what the verifier needs to compute the entry; the checkpoint is included verbatim."""
    lines = [FIRST_LINE, f"extra {note.encode(extra)}", f"index {index}", *(note.encode(step) for step in path)]
    return "\n".join(lines) + "\n\n" + checkpoint


def write_growth(*, old: int, path: Sequence[bytes], checkpoint: str) -> str:
    """From the first `old` entries to those that the checkpoint states."""
    return "\n".join([f"old {old}", *(note.encode(step) for step in path)]) + "\n\n" + checkpoint
