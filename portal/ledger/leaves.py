"""Leaves: SHA-256 over a domain, a random 256-bit salt and canonical JSON (docs/ledger.md)."""

import hashlib
import json
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import transaction

from portal.core import clock, sealed
from portal.ledger.models import Leaf, Opening

DOMAIN = b"takedown-portal/leaf/v1\x00"
SALT_BYTES = 32
# Every body is filled up to this length, so that nothing has a size of its own.
BODY_BYTES = 512
_PURPOSE, _RECORD = "ledger-opening", "ledger-record"


class Kind(StrEnum):
    """A case has exactly one leaf of each of the first two, whatever was found."""

    OPENED = "opened"
    CLOSED = "closed"
    # The audit trail's root, about once a day.
    TRAIL = "trail"


@dataclass(frozen=True)
class Opened:
    salt: bytes
    body: dict[str, Any]


def canonical(body: dict[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def leaf_hash(salt: bytes, body: dict[str, Any]) -> bytes:
    return hashlib.sha256(DOMAIN + salt + canonical(body)).digest()


@transaction.atomic
def append(kind: Kind, *, key_id: UUID, commitment: dict[str, str], record: dict[str, Any] | None = None) -> Leaf:
    """Add one leaf; its opening is sealed under `key_id`, and so is `record`, which the body only commits to."""
    leaf, opened = commit(kind, commitment)
    plain = canonical({"salt": opened.salt.hex(), "body": opened.body})
    Opening.objects.create(
        leaf=leaf,
        key_id=key_id,
        sealed=sealed.seal(key_id, plain, purpose=_PURPOSE),
        record_sealed=None if record is None else sealed.seal(key_id, canonical(record), purpose=_RECORD),
    )
    return leaf


def commit(kind: Kind, commitment: dict[str, str]) -> tuple[Leaf, Opened]:
    """Add one leaf whose opening the caller keeps."""
    opened = Opened(secrets.token_bytes(SALT_BYTES), body(kind, commitment))
    leaf = Leaf.objects.create(hash=leaf_hash(opened.salt, opened.body), appended_at=clock.now())
    return leaf, opened


def body(kind: Kind, commitment: dict[str, str]) -> dict[str, str]:
    """What a leaf commits to, filled up to its one length."""
    bare = {"kind": kind.value, **commitment, "pad": ""}
    room = BODY_BYTES - len(canonical(bare))
    if room < 0:
        raise ValueError("the body is too long")
    return {**bare, "pad": "0" * room}


def open_leaf(leaf: Leaf) -> Opened:
    """Errors: KeyDestroyed once the case's key is gone."""
    opening = leaf.opening
    plain = json.loads(sealed.unseal(opening.key_id, opening.sealed, purpose=_PURPOSE))
    return Opened(bytes.fromhex(plain["salt"]), plain["body"])


def open_record(leaf: Leaf) -> dict[str, Any] | None:
    """What a closing leaf commits to beneath its body. Errors: KeyDestroyed."""
    opening = leaf.opening
    if opening.record_sealed is None:
        return None
    record: dict[str, Any] = json.loads(sealed.unseal(opening.key_id, opening.record_sealed, purpose=_RECORD))
    return record


def of_key(key_id: UUID, kind: Kind) -> Leaf | None:
    """The leaf of this kind whose opening is sealed under `key_id`; None before it is written or once it is forgotten.

    Errors: KeyDestroyed.
    """
    for leaf in Leaf.objects.filter(opening__key_id=key_id).select_related("opening"):
        if open_leaf(leaf).body["kind"] == kind:
            return leaf
    return None


def forget(key_id: UUID) -> None:
    """Drop the sealed openings of a case; the leaves stay."""
    Opening.objects.filter(key_id=key_id).delete()
