"""What people paste, cleaned before it is judged: they copy an address out of a message, a list or another page."""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum
from ipaddress import ip_address
from itertools import islice
from urllib.parse import unquote

LONGEST_ADDRESS = 8000  # octets that RFC 9110, section 4.1, asks everybody to take
HIGHEST_PORT = 65535
# What is tried of one address: enough for people, and an end to what a machine could make of it.
MOST_MARKS, MOST_INSIDE, MOST_ESCAPED = 4, 5, 3

# Joins letters in some scripts, and is nothing elsewhere.
_JOINERS = "\u200c\u200d"
_BEFORE = "([{'‘*•·‣"
_FINAL = ".,;:!?…'\"’”»›)]}>*"
_AROUND = re.compile(r"[\s<>\"“”„«»‹›|`]+")
# Also as messages and careless hands write it: `https:/a.example`, `https//a.example`, `http:\\a.example`.
_BEGINNING = re.compile(r"https?(?::[/\\]+|//)(?=[^\s/\\])", re.IGNORECASE)
# Behind these a new address begins; behind anything else it belongs to the one before (`…/web/2020/https://…`).
_APART = re.compile(r"(?:^|(?<=[\s<>\"“”„«»‹›|`,;(\[{]))(?=https?(?::[/\\]|//))", re.IGNORECASE)
_INSIDE = re.compile(r"https?(?::|%(?:25)*3A)(?:/|%(?:25)*2F){1,2}", re.IGNORECASE)
_OTHER_SCHEME = re.compile(
    r"(?:^|[\s<(\[\"'])(?!https?:)((?:[a-z][a-z0-9+-]*)(?=://)|(?:blob|data|javascript|mailto)(?=:\S)):", re.I
)
_AUTHORITY = re.compile(r"(https?)://([^/?#\\]*)(.*)", re.DOTALL)
# Underscores are in use; what else a label may hold beyond ASCII is for IDNA to say.
_HOST = re.compile(r"(?:[A-Za-z0-9_-]|[^\x00-\x7f])+(?:\.(?:[A-Za-z0-9_-]|[^\x00-\x7f])+)+\.?")
_TOP_LABEL = re.compile(r".*\.(?!\d+\.?$)[^.]{2,}\.?")
_DOTS = str.maketrans("。．｡", "...")
_FILE = re.compile(r"\.(?:jpe?g|jfif|png|gif|webp|avif|hei[cf]|bmp|tiff?|html?|php|aspx?|pdf)$", re.IGNORECASE)


class Fault(StrEnum):
    NO_ADDRESS = "no_address"
    SCHEME = "scheme"
    PORT = "port"
    TOO_LONG = "too_long"


class Unusable(ValueError):
    """`named` is what is wrong of it: the scheme, the port. Never the address."""

    def __init__(self, fault: Fault, named: str = "") -> None:
        super().__init__(fault)
        self.fault, self.named = fault, named


def plain(text: str) -> str:
    """Without what nobody sees: zero widths, marks of direction, soft hyphens, controls. Every space is a space."""
    return "".join(_seen(text))


def _seen(text: str) -> Iterator[str]:
    for place, character in enumerate(text):
        kind = unicodedata.category(character)
        if kind == "Zs":
            yield " "
        elif kind not in ("Cf", "Cc") or character in "\n\r\t" or _joins(text, place):
            yield character


def _joins(text: str, place: int) -> bool:
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    return text[place] in _JOINERS and all(
        not each.isascii() and unicodedata.category(each)[0] in "LM" for each in (before, after)
    )


def web_addresses(line: str) -> list[str]:
    """All in one line of text, each with its scheme. What stands at its end may be punctuation: see `endings`.

    Errors: Unusable.
    """
    text = plain(line).strip()
    if not _BEGINNING.search(text):
        return _without_scheme(text)
    return [each for chunk in _APART.split(text) for each in _in_chunk(chunk)]


def _in_chunk(chunk: str) -> Iterator[str]:
    """The address that begins with a scheme, and what else must be one: beside it a mere host may be any word."""
    begins = _BEGINNING.search(chunk)
    before, rest = (chunk[: begins.start()], chunk[begins.start() :]) if begins else (chunk, "")
    if other := _OTHER_SCHEME.search(chunk):
        raise Unusable(Fault.SCHEME, other[1].lower())
    words = _words(rest)
    if rest and _is_file_with_spaces(words, rest):
        words = ["%20".join(words)]
    yield from (_checked(f"https://{word}") for word in _words(before) if "/" in word and _may_be_address(word))
    yield from (_checked(word) for word in words[:1])
    yield from (_checked(f"https://{word}") for word in words[1:] if "/" in word and _may_be_address(word))


def _words(text: str) -> list[str]:
    words = (word.lstrip(_BEFORE).removeprefix("//") for word in _AROUND.split(text))
    return [word for word in words if word]


def _is_file_with_spaces(words: list[str], written: str) -> bool:
    *others, last = words
    if "/" in last or " ".join(words) not in written or any(word.endswith((",", ";", ":", ".")) for word in others):
        return False
    return bool(_FILE.search(last.rstrip(_FINAL))) and not _FILE.search(words[0])


def _without_scheme(text: str) -> list[str]:
    if other := _OTHER_SCHEME.search(text):
        raise Unusable(Fault.SCHEME, other[1].lower())
    found = [word for word in _words(text) if _may_be_address(word)]
    if not found:
        raise Unusable(Fault.NO_ADDRESS)
    return [_checked(f"https://{word}") for word in found]


def _may_be_address(word: str) -> bool:
    place = re.split(r"[/?#]", word, maxsplit=1)[0]
    host, _colon, _port = place.rstrip(_FINAL).partition(":")
    return "@" not in place and (_is_host(host) or place.startswith("[")) and not (place == word and _FILE.search(host))


def _is_host(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        named = host.translate(_DOTS)
        return _HOST.fullmatch(named) is not None and _TOP_LABEL.fullmatch(named) is not None
    return True


def _checked(address: str) -> str:
    """Errors: Unusable."""
    parts = _AUTHORITY.fullmatch(_with_scheme(address))
    assert parts is not None
    scheme, authority, rest = parts.groups()
    # A user's name says who asks, and a password is nothing to keep.
    place = authority.rpartition("@")[2]
    if not rest:
        place = place.rstrip(_FINAL.replace("]", "") if place.startswith("[") else _FINAL)
    host, port = _host_and_port(place)
    if not _is_host(host):
        raise Unusable(Fault.NO_ADDRESS)
    if port and not (port.isascii() and port.isdigit() and len(port) < 9 and 0 < int(port) <= HIGHEST_PORT):
        raise Unusable(Fault.PORT, port[:20])
    checked = f"{scheme}://{place}{rest}"
    if len(checked) > LONGEST_ADDRESS:
        raise Unusable(Fault.TOO_LONG)
    return checked


def _host_and_port(place: str) -> tuple[str, str]:
    if place.startswith("["):
        host, _bracket, port = place[1:].partition("]")
        return (host if ":" in host else ""), port.removeprefix(":")
    host, _colon, port = place.partition(":")
    return unquote(host), port


def _with_scheme(address: str) -> str:
    beginning = _BEGINNING.match(address)
    if beginning is None:
        raise Unusable(Fault.NO_ADDRESS)
    secure = address[:5].lower() == "https"
    return f"http{'s' if secure else ''}://{address[beginning.end() :]}"


def endings(address: str) -> list[str]:
    """As it stands, and without the punctuation at its end, which may be the sentence's or its own."""
    start, bare = address.find("/", len("https://")), address.rstrip(_FINAL)
    if start < 0 or len(bare) < start:
        return [address]
    few = range(len(address), max(len(bare), len(address) - MOST_MARKS), -1)
    return [*(address[:end] for end in few), bare]


def readings(address: str) -> list[str]:
    """Everything that may be meant by it: its endings, and those of each address in it, as archives and links have."""
    places = islice(_INSIDE.finditer(address, 1), MOST_INSIDE)
    inside = [each for place in places for each in _addresses_in(address[place.start() :])]
    return list(dict.fromkeys(ending for each in (address, *inside) for ending in endings(each)))


def _addresses_in(text: str) -> Iterator[str]:
    """The rest of the text, and only as far as a parameter goes."""
    for each in dict.fromkeys((text, text.partition("&")[0])):
        for _escaped_again in range(MOST_ESCAPED):
            if not _BEGINNING.match(each):
                each = unquote(each)
        with suppress(Unusable):
            yield _checked(each)
