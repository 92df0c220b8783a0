"""One form of a mail address, made once: before it is compared, counted or written to."""

import re
import unicodedata
from email.utils import formataddr, parseaddr
from urllib.parse import unquote

import idna

from portal.core import pasted

LONGEST = 1000  # with a name before it, and whatever else a link may hold
_ANGLE = re.compile(r"<\s*([^<>\s]+@[^<>\s]+)\s*>")
_MAILTO = re.compile(r"\s*(?:mailto|e-?mail)\s*:\s*", re.IGNORECASE)
_BEFORE = re.compile(r"^(?:[\s<(\[{\"“‘«•·*]|-\s)+")
_AFTER = ' \t\r\n.,;:!?…)]}>"”’»*'


def normal(text: str) -> str:
    """As it is written to. What is no address stays what it is, for whoever checks.

    The domain is that of IDNA 2008: `straße.example` is not `strasse.example`. Whether upper case matters in the name
    before it is for its server to say.
    """
    if len(text) > LONGEST:
        return text
    written = pasted.plain(text).replace("＠", "@").strip()
    angle = _ANGLE.search(written)
    written = _BEFORE.sub("", angle[1] if angle else written)
    if link := _MAILTO.match(written):
        written = unquote(written[link.end() :].partition("?")[0])
    name, at, domain = written.rstrip(_AFTER).rpartition("@")
    return f"{unicodedata.normalize('NFC', name.strip())}@{_ascii(domain.strip())}" if at else written


def key(address: str) -> str:
    """Compared, and counted by."""
    return normal(address).casefold()


def shown(address: str) -> str:
    """For people to read: the domain in its own script."""
    name, at, domain = address.rpartition("@")
    try:
        return f"{name}{at}{idna.decode(domain)}"
    except idna.IDNAError:
        return address


def sender(text: str) -> str:
    """An address with a display name, as the settings have it."""
    name, address = parseaddr(text)
    return formataddr((name, normal(address)))


def _ascii(domain: str) -> str:
    lower = domain.lower()
    if lower.isascii() and "xn--" not in lower:
        return lower
    try:
        return idna.encode(lower, uts46=True, transitional=False).decode()
    except idna.IDNAError:
        return lower
