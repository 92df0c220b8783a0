"""The key that notices and feeds are signed with: Ed25519 (RFC 8032), its seed a key of the key store like others."""

from base64 import b64encode
from contextlib import suppress
from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.core import keys

_KEY: UUID = uuid5(NAMESPACE_URL, "takedown-portal/outgoing")


def seed() -> bytes:
    """Made on first use; two processes that meet there get the same."""
    if not keys.exists(_KEY):
        with suppress(FileExistsError):
            keys.create(_KEY)
    return keys.read(_KEY)


def public_key() -> bytes:
    return _private().public_key().public_bytes_raw()


def webhook_headers(notice_id: UUID, at: datetime, body: bytes) -> dict[str, str]:
    """Standard Webhooks 1.0.0, asymmetric scheme v1a: Ed25519 over `id.timestamp.body`."""
    stamp = str(int(at.timestamp()))
    signature = _private().sign(b".".join([str(notice_id).encode(), stamp.encode(), body]))
    return {
        "webhook-id": str(notice_id),
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1a,{b64encode(signature).decode()}",
    }


def _private() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed())
