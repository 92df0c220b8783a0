"""The code of whoever asked to be kept out: the only way to look at a block, renew it or take it back.

It is derived from the case's key, so it can be shown again as long as the case can be opened and is stored nowhere;
what is kept is a digest. 100 random bits need no keyed digest, and none that a new SECRET_KEY would break.
"""

import hashlib
import hmac
import re
from uuid import UUID

from portal.core import base32, keys

_LETTERS = 20


def of(key_id: UUID) -> str:
    """As it is written down: five groups of four. Errors: KeyDestroyed."""
    said = hmac.new(keys.read(key_id), b"takedown-portal/keep-out-code/v1", hashlib.sha256).digest()
    number = int.from_bytes(said, "big")
    return base32.grouped(base32.letters_of(number, _LETTERS))


def plain(written: str) -> str:
    """The letters alone, as they were meant; empty where it cannot be a code."""
    letters = re.sub(r"[\s-]", "", base32.as_meant(written))
    return letters if len(letters) == _LETTERS and set(letters) <= set(base32.ALPHABET) else ""


def digest(code: str) -> bytes:
    return hashlib.sha256(b"takedown-portal/keep-out-code/v1\0" + plain(code).encode()).digest()
