"""Leaves: SHA-256 over a domain, a random 256-bit salt and canonical JSON (DESIGN.md, Ledger, audit, keys)."""

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
_PURPOSE = "ledger-opening"


class Kind(StrEnum):
    """A case has exactly two leaves, whatever was found."""

    OPENED = "opened"
    CLOSED = "closed"


@dataclass(frozen=True)
class Opened:
    salt: bytes
    body: dict[str, Any]


def canonical(body: dict[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def leaf_hash(salt: bytes, body: dict[str, Any]) -> bytes:
    return hashlib.sha256(DOMAIN + salt + canonical(body)).digest()


@transaction.atomic
def append(kind: Kind, *, key_id: UUID, commitment: dict[str, str]) -> Leaf:
    """Add one leaf; its opening is sealed under `key_id`. A case's body is the same size for every outcome."""
    salt = secrets.token_bytes(SALT_BYTES)
    body = {"kind": kind.value, **commitment}
    leaf = Leaf.objects.create(hash=leaf_hash(salt, body), appended_at=clock.now())
    plain = canonical({"salt": salt.hex(), "body": body})
    Opening.objects.create(leaf=leaf, key_id=key_id, sealed=sealed.seal(key_id, plain, purpose=_PURPOSE))
    return leaf


def open_leaf(leaf: Leaf) -> Opened:
    """Errors: KeyDestroyed once the case's key is gone."""
    opening = leaf.opening
    plain = json.loads(sealed.unseal(opening.key_id, opening.sealed, purpose=_PURPOSE))
    return Opened(bytes.fromhex(plain["salt"]), plain["body"])


def forget(key_id: UUID) -> None:
    """Drop the sealed openings of a case; the leaves stay."""
    Opening.objects.filter(key_id=key_id).delete()
