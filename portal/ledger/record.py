"""The record that a closing leaf commits to: a Merkle root over its steps, hidden under a blind.

The blind makes the record of no step look like that of a thousand. Summary and steps have salts of their own, derived
from it, so that one can be shown without the others.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from portal.ledger.leaves import canonical
from portal.ledger.tree import Tree

DOMAIN = b"takedown-portal/record/v1\x00"
STEP_DOMAIN = b"takedown-portal/step/v1\x00"
BLIND_BYTES = 32


@dataclass(frozen=True)
class Step:
    """One image in one store. Times as ISO 8601 with their offset; `purged_at` is empty until it is, and of the index
    alone.

    What was done follows from the store: at "recipients" a notice was written, at "addresses" its address was refused.
    """

    image_id: UUID
    store: str
    verified_at: str
    purged_at: str
    log_checked: bool = False  # whether the database's log and files were looked at by then, and found clean


@dataclass(frozen=True)
class Record:
    """What is opened to whoever may see: blind, summary and steps. `commitment` is all that the leaf's body tells."""

    blind: bytes
    summary: dict[str, Any]
    steps: tuple[dict[str, str], ...]

    @property
    def commitment(self) -> str:
        return hashlib.sha256(DOMAIN + _salt(self.blind, "summary") + canonical(self.summary)).hexdigest()

    def as_json(self) -> dict[str, Any]:
        return {"blind": self.blind.hex(), "record": self.summary, "steps": list(self.steps)}


def make(steps: Iterable[Step], *, finished: bool) -> Record:
    """`finished`: every removal of the case is purged. An image is named by a pseudonym of this record alone."""
    blind = secrets.token_bytes(BLIND_BYTES)
    rows = tuple(_row(step, blind) for step in steps)
    root = Tree(step_entry(blind, number, row) for number, row in enumerate(rows)).root()
    summary = {"finished": finished, "steps": len(rows), "root": root.hex()}
    return Record(blind, summary, rows)


def step_entry(blind: bytes, number: int, row: dict[str, str]) -> bytes:
    return hashlib.sha256(STEP_DOMAIN + _salt(blind, f"step {number}") + canonical(row)).digest()


def _salt(blind: bytes, of: str) -> bytes:
    return hmac.digest(blind, of.encode(), "sha256")


def pseudonym(blind: bytes, image_id: UUID) -> str:
    """Says of two steps of one case whether they are of the same image, and across cases nothing."""
    return hmac.digest(blind, b"image " + image_id.bytes, "sha256").hex()


def _row(step: Step, blind: bytes) -> dict[str, str]:
    return {
        "image": pseudonym(blind, step.image_id),
        "store": step.store,
        "verified_at": step.verified_at,
        "purged_at": step.purged_at,
        "log": ("checked" if step.log_checked else "not seen") if step.purged_at else "",
    }
