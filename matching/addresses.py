"""When two web addresses mean the same page."""

import hashlib
import re
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

TRACKING = re.compile(r"^(utm_\w+|fbclid|gclid|igshid|mc_cid|mc_eid)$")


def normal(address: str) -> str:
    """Without scheme, `www.`, default port, fragment, tracking and final slash; escapes written one way."""
    text = address.strip()
    parts = urlsplit(text if "://" in text else f"//{text}")
    host = (parts.hostname or "").removeprefix("www.").rstrip(".")
    port = "" if parts.port in (None, 80, 443) else f":{parts.port}"
    path = quote(unquote(parts.path), safe="/:@!$&'()*+,;=~").rstrip("/")
    query = urlencode([pair for pair in parse_qsl(parts.query, True) if not TRACKING.match(pair[0])])
    return f"{host}{port}{path}" + (f"?{query}" if query else "")


def digest(address: str) -> bytes:
    """Compared instead of the text: one size whatever the length. An address that is none equals itself."""
    try:
        text = normal(address)
    except ValueError:
        text = address.strip()
    return hashlib.sha256(text.encode()).digest()
