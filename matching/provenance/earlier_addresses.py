"""Digests of addresses as they were made before `matching.provenance.addresses` followed RFC 3986.

Of some addresses the index keeps nothing but such a digest: where removed images lay, what a register named. They
cannot be made anew. So each digest is kept with the rules it was made by, and whoever looks for an address asks for
its digest of today among those of today, and for the earlier ones among the earlier ones alone: these took `a%2Fb` and
`a/b` for the same, which no new digest must inherit.
"""

import hashlib
import unicodedata
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from matching.provenance import addresses
from matching.provenance.addresses import SIMPLE, TRACKING
from matching.types import EARLIER, TODAY, Spelling


def spellings(address: str) -> frozenset[Spelling]:
    """All that may stand for this address."""
    return frozenset({(TODAY, addresses.digest(address)), *((EARLIER, each) for each in digests(address))})


def digests(address: str) -> frozenset[bytes]:
    """Those that the address may have had, in each of the forms that count as the same today."""
    text = address.strip()
    if SIMPLE.fullmatch(text):
        return frozenset({addresses.digest(text)})
    try:
        now = addresses.normal(text)
        host, rest = now[: (end := _end_of_host(now))], now[end:]
        forms = {now, addresses.unicode_host(host) + rest} if "://" not in now and "[" not in host else {now}
    except ValueError:
        forms = set()
    forms |= {unicodedata.normalize("NFD", form) for form in map(unquote, forms) if not form.isascii()}
    return frozenset(digest(form) for form in forms | {text})


def _end_of_host(normal: str) -> int:
    return min((place for mark in "/?#:" if (place := normal.find(mark)) >= 0), default=len(normal))


def digest(address: str) -> bytes:
    try:
        text = normal(address)
    except ValueError:
        text = address.strip()
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()


def normal(address: str) -> str:
    text = address.strip()
    parts = urlsplit(text if "://" in text else f"//{text}")
    host = (parts.hostname or "").removeprefix("www.").rstrip(".")
    port = "" if parts.port in (None, 80, 443) else f":{parts.port}"
    path = quote(unquote(parts.path), safe="/:@!$&'()*+,;=~").rstrip("/")
    query = urlencode([pair for pair in parse_qsl(parts.query, True) if not TRACKING.match(pair[0])])
    return f"{host}{port}{path}" + (f"?{query}" if query else "")
