"""When two web addresses mean the same page."""

import hashlib
import re
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

TRACKING = re.compile(r"^(utm_\w+|fbclid|gclid|igshid|mc_cid|mc_eid)$")
# Most addresses need nothing taken apart; millions of them pass here in an import.
SIMPLE = re.compile(r"https?://(?:www\.)?([a-z0-9-]+(?:\.[a-z0-9-]+)*)((?:/[A-Za-z0-9._~-]*)*)", re.ASCII)


def normal(address: str) -> str:
    """Without scheme, `www.`, default port, fragment, tracking and final slash; escapes written one way."""
    text = address.strip()
    simple = SIMPLE.fullmatch(text)
    return simple[1] + simple[2].rstrip("/") if simple else taken_apart(text)


def taken_apart(text: str) -> str:
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
