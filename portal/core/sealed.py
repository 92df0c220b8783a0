"""Sealing: AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce; the context is bound as associated data."""

import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.core import keys

NONCE_BYTES = 12


class SealBroken(ValueError):
    """The bytes were not sealed under this key for this purpose, or were changed since."""


def seal(key_id: UUID, plain: bytes, *, purpose: str) -> bytes:
    """nonce ‖ ciphertext ‖ tag. A value sealed for one purpose does not open for another."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(keys.read(key_id)).encrypt(nonce, plain, _context(key_id, purpose))


def unseal(key_id: UUID, sealed: bytes | memoryview, *, purpose: str) -> bytes:
    """Errors: KeyDestroyed when the key is gone, SealBroken when the bytes do not belong to it."""
    whole = bytes(sealed)
    try:
        cipher = AESGCM(keys.read(key_id))
        return cipher.decrypt(whole[:NONCE_BYTES], whole[NONCE_BYTES:], _context(key_id, purpose))
    except InvalidTag:
        raise SealBroken(purpose) from None


def _context(key_id: UUID, purpose: str) -> bytes:
    return f"takedown-portal/sealed/v1/{key_id}/{purpose}".encode()
