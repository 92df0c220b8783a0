"""When two web addresses mean the same page.

RFC 3986, section 6, on bytes: an escape is decoded only where that changes nothing, so `%2F` is no `/`, and escapes
that are no UTF-8 stay apart. Hosts are compared as IDNA 2008 writes them, text in the form NFC. Beyond the standard,
the same page is taken to be meant with and without `www.`, a final slash or parameters that only follow visitors, by
http and by https; and a fragment counts where it is a route (`#!…`, `#/…`) of an application in the page.
"""

import hashlib
import re
import unicodedata
from functools import lru_cache
from ipaddress import IPv6Address
from urllib.parse import quote, quote_plus, unquote_to_bytes

import idna

TRACKING = re.compile(r"^(utm_\w+|fbclid|gclid|igshid|mc_cid|mc_eid)$")
# Most addresses need nothing taken apart; millions of them pass here in an import.
SIMPLE = re.compile(
    r"https?://(?:www\.)?(?![^/]*xn--)([a-z0-9-]+(?:\.[a-z0-9-]+)*)((?:/(?!\.\.?(?:/|\Z))[A-Za-z0-9._~-]*)*)",
    re.ASCII,
)

# RFC 3986, appendix B, for addresses with a host. Programs that fetch pages take `\` for `/`, and so does this.
PARTS = re.compile(
    r"(?:(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):)?[/\\]{2})?"
    r"(?P<authority>[^/\\?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:\#(?P<fragment>.*))?",
    re.DOTALL | re.ASCII,
)
# `mailto:ana@…` has no host; `localhost:8080` has no scheme.
NO_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?!//|\\\\|[0-9]*(?:[/\\?#]|\Z))", re.ASCII)
HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*", re.ASCII)
DEFAULT_PORTS = {"http": ("80",), "https": ("443",), "": ("80", "443")}

# Written as they are, they may part a segment; escaped, they are mere text of it.
PARTING = re.compile(r"([;=&+])")
# Never parts anything, so that escaped and not is the same.
NOT_PARTING = ":@!$'()*,~"


@lru_cache(16)  # whoever checks an address asks for its digest next
def normal(address: str) -> str:
    """Errors: ValueError, where it cannot be the address of a page."""
    text = address.strip()
    simple = SIMPLE.fullmatch(text)
    return simple[1] + simple[2].rstrip("/") if simple else taken_apart(text)


def taken_apart(text: str) -> str:
    text = re.sub(r"[\t\r\n]", "", text)  # browsers leave them out
    parts = PARTS.fullmatch(text)
    if parts is None or NO_HOST.match(text):
        raise ValueError("no host")
    scheme = (parts["scheme"] or "").lower()
    other = "" if scheme in DEFAULT_PORTS else f"{scheme}://"
    path = _path(parts["path"].replace("\\", "/"))
    return other + _authority(parts["authority"], scheme) + path + _query(parts["query"]) + _route(parts["fragment"])


def _authority(authority: str, scheme: str) -> str:
    """Without the name of a user: it says who asks, not what is there."""
    _user, _at, place = authority.rpartition("@")
    bracketed, bracket, rest = place.partition("]")
    if bracket:
        if not bracketed.startswith("[") or rest[:1] not in ("", ":"):
            raise ValueError("no host")
        host, port = f"[{IPv6Address(bracketed[1:])}]", rest[1:]
    else:
        named, _colon, port = place.partition(":")
        host = ascii_host(named).removeprefix("www.")
    if not port:
        return host
    if not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError("no port")
    return host if str(int(port)) in DEFAULT_PORTS.get(scheme, ()) else f"{host}:{int(port)}"


def ascii_host(host: str) -> str:
    """In lower case, labels in other scripts as punycode. Errors: ValueError."""
    text = unquote_to_bytes(host).decode().lower()
    if not text.isascii():
        text = idna.uts46_remap(text, std3_rules=False, transitional=False)
    text = ".".join(map(_label, text.removesuffix(".").split(".")))
    if not HOST.fullmatch(text):
        raise ValueError("no host")
    return text


def _label(label: str) -> str:
    """What is no punycode, though it begins so, stays as it is."""
    if label.isascii():
        label = _unicode_label(label) or label
    return label if label.isascii() else f"xn--{label.encode('punycode').decode()}"


def _unicode_label(label: str) -> str:
    """Empty where it is none."""
    try:
        decoded = label.removeprefix("xn--").encode().decode("punycode") if label.startswith("xn--") else ""
        label = idna.uts46_remap(decoded, std3_rules=False, transitional=False)
    except ValueError:
        return ""
    return "" if label.isascii() else label


def unicode_host(host: str) -> str:
    """For people to read. Errors: ValueError."""
    return ".".join(_unicode_label(label) or label for label in ascii_host(host).split("."))


def _path(path: str) -> str:
    segments: list[str] = []
    for segment in map(_segment, path.split("/")[1:]):
        if segment == "..":
            segments = segments[:-1]
        elif segment != ".":
            segments.append(segment)
    return "".join(f"/{segment}" for segment in segments).rstrip("/")


def _segment(segment: str) -> str:
    pieces = PARTING.split(segment)
    pieces[::2] = [quote(_composed(piece), safe=NOT_PARTING) for piece in pieces[::2]]
    return "".join(pieces)


def _query(query: str | None) -> str:
    pairs = [pair.partition("=") for pair in (query or "").replace("+", " ").split("&") if pair]
    written = [(quote_plus(_composed(name)), quote_plus(_composed(value))) for name, _is, value in pairs]
    kept = "&".join(f"{name}={value}" for name, value in written if not TRACKING.match(name))
    return f"?{kept}" if kept else ""


def _route(fragment: str | None) -> str:
    route = "/".join(map(_segment, (fragment or "").split("/"))).rstrip("/")
    return f"#{route}" if route.startswith(("!", "/")) and route != "!" else ""


def _composed(text: str) -> bytes:
    """Escapes decoded, in NFC as far as it is UTF-8."""
    decoded = unquote_to_bytes(text)
    try:
        return unicodedata.normalize("NFC", decoded.decode()).encode()
    except UnicodeDecodeError:
        return decoded


def digest(address: str) -> bytes:
    """Compared instead of the text: one size whatever the length. An address that is none equals itself."""
    try:
        text = normal(address)
    except ValueError:
        text = address.strip()
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()
