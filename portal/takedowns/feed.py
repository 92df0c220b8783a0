"""The list of addresses that a crawler must not fetch again, as signed pages.

A page is text and one signature line over it, as C2SP's signed note has it:

    takedown-portal/refused-addresses/v2
    <edition of the list>
    <position before the first entry> <position of the last entry> <length of the whole list>
    <SHA-256 of a normalised address, in hex>
    …

    — <name> <base64 of four bytes of key id and the Ed25519 signature>

The list only grows, so a crawler asks for what lies behind the last position it has, and of which edition that was:
`?after=120&list=<edition>`. Once a backup was restored, other addresses may stand at the positions it knows; then the
list has a new edition, and whoever goes on with another one, names none, or has more than there is, is answered 409.
They read it anew from `?after=0` and go on refusing what they have. A crawler compares the edition in the signed text
with its own, and so notices even if something between kept the 409 from it.

Digests: whoever reads the list learns of an address only whether one they know already is on it. How an address is
normalised is what `matching/provenance/addresses.py` says. Entries of before those rules were made by those of
`matching/provenance/earlier_addresses.py`, and the addresses behind them are not known; so a crawler looks for both
digests of an address it is about to fetch.
"""

import base64
import hashlib
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from matching import service
from portal.notices import signing

TITLE = "takedown-portal/refused-addresses/v2"
PAGE = 10_000  # entries
_ED25519 = b"\x01"


class AnotherList(Exception):
    """What the crawler has is no beginning of this list."""


def page(after: int, edition: str) -> str:
    """What lies behind `after` in this edition; no edition is needed to begin. Errors: AnotherList."""
    current = str(service.refused_list_edition())
    digests, size = service.refused_addresses(after=after, most=PAGE)
    if after > size or (after and edition != current):
        raise AnotherList
    size = max(size, after + len(digests))
    lines = [TITLE, current, f"{after} {after + len(digests)} {size}", *(digest.hex() for digest in digests)]
    text = "".join(f"{line}\n" for line in lines)
    return f"{text}\n{_signature(text)}"


def name() -> str:
    return f"{urlsplit(settings.SITE_URL).netloc}/refused-addresses"


def verifier() -> str:
    """What a crawler is configured with: name, key id and key (C2SP signed-note, verifier keys)."""
    key = _ED25519 + signing.public_key()
    return f"{name()}+{_key_id().hex()}+{base64.b64encode(key).decode()}"


def _signature(text: str) -> str:
    signature = Ed25519PrivateKey.from_private_bytes(signing.seed()).sign(text.encode())
    return f"— {name()} {base64.b64encode(_key_id() + signature).decode()}\n"


def _key_id() -> bytes:
    """The first four bytes of SHA-256 over name, newline, signature type, public key."""
    return hashlib.sha256(name().encode() + b"\n" + _ED25519 + signing.public_key()).digest()[:4]
