"""The one way out: HTTP to addresses that others named (a client's webhook, a cache), without becoming their tool.

A URL is read strictly, its host is resolved once, every address it has must be public, and the connection goes to
the address that was checked, so a second answer of the name server changes nothing. No redirect is followed, no
proxy of the environment is used, and time and size of the answer are bounded as a whole, not by packet.
"""

import http.client
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from threading import Event, Timer
from urllib.parse import urlsplit

from django.conf import settings

TIMEOUT = 10.0  # seconds, from the first packet to the last byte of the answer
LARGEST_ANSWER = 64 * 1024  # bytes
LONGEST_URL = 2000

# Printable ASCII without what parsers disagree about: a host in another script comes as punycode.
_PRINTABLE = frozenset(map(chr, range(0x21, 0x7F))) - set('\\"<>^`{|}')
_HOST = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-.")
# Global by the registries, and yet no place of the open internet.
_NEVER = [
    ip_network(text)
    for text in (
        # IPv6 that stands for an IPv4 address elsewhere: NAT64 (RFC 6052, 8215), Teredo (RFC 4380), 6to4 (RFC 3056)
        # with its relays (RFC 7526); and what was once local to a site (RFC 3879).
        *("64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "192.88.99.0/24", "fec0::/10"),
        # Protocol assignments (RFC 6890), where one cloud keeps its metadata; and where another keeps its own.
        *("192.0.0.0/24", "168.63.129.16/32"),
    )
]
# Below these a port belongs to another protocol, which a request could be made to speak.
_PORTS = (80, 443)
_FREE_PORTS = 1024

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], list[str]]


class Refused(Exception):
    """This portal may not call that address. Trying again changes nothing until the address is changed."""


class NoAnswer(Exception):
    """The other side was not there, was too slow, said too much, or did not speak HTTP."""


class TooLarge(NoAnswer):
    """The answer has a status, and a body too large to be read."""

    def __init__(self, status: int) -> None:
        super().__init__("the answer is too large")
        self.status = status


@dataclass(frozen=True)
class Answer:
    """`headers`: names in lower case; of one that came several times, the last."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """A redirect is none: what it points to is not called."""
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Target:
    secure: bool
    host: str  # in lower case, an IPv6 address without its brackets
    port: int
    path: str  # with the query

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == (443 if self.secure else 80)
        return host if usual else f"{host}:{self.port}"

    @property
    def is_allowed_private(self) -> bool:
        """Named by the operator (PRIVATE_HOSTS) as `host` or `host:port`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return not {host, f"{host}:{self.port}"}.isdisjoint(settings.PRIVATE_HOSTS)


def system_resolve(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NoAnswer("the name has no address") from None
    return [str(entry[4][0]) for entry in found]


@dataclass(frozen=True)
class Client:
    """What the texts of its errors say never quotes the URL, which may carry a secret or name a person."""

    timeout: float = TIMEOUT
    largest: int = LARGEST_ANSWER
    resolve: Resolve = field(default=system_resolve)

    def send(self, method: str, url: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Errors: Refused, NoAnswer."""
        target = read(url)
        address = self._checked_address(target)
        try:
            with _connected(target, address, self.timeout) as link:
                return self._exchange(link, target, method, body, headers or {})
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(type(error).__name__) from None

    def _checked_address(self, target: Target) -> Address:
        """Every address of the name must pass: which of them is tried would else be left to chance."""
        literal = _literal(target.host)
        texts = [str(literal)] if literal else self.resolve(target.host, target.port)
        try:
            addresses = [ip_address(text) for text in texts]
        except ValueError:
            raise Refused("the name leads to something that is no address") from None
        if not addresses:
            raise NoAnswer("the name has no address")
        if not target.is_allowed_private and not all(map(is_public, addresses)):
            raise Refused("the address is not public")
        return addresses[0]

    def _exchange(
        self, link: http.client.HTTPConnection, target: Target, method: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer:
        sent = {"Host": target.authority, "User-Agent": "takedown-portal", "Connection": "close", **headers}
        link.request(method, target.path, body=body or None, headers=sent)
        answer = link.getresponse()
        content = answer.read(self.largest + 1)
        if len(content) > self.largest:
            raise TooLarge(answer.status)
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, content)


def read(url: str) -> Target:
    """Take a URL apart, or refuse whatever two parsers might read differently. Errors: Refused."""
    if len(url) > LONGEST_URL or not _PRINTABLE.issuperset(url):
        raise Refused("the URL is too long or holds characters that belong escaped")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused("this is no URL") from None
    if parts.scheme not in ("http", "https") or not url.lower().startswith(f"{parts.scheme}://"):
        raise Refused("only http and https are called")
    if "@" in parts.netloc or parts.hostname is None or parts.fragment:
        raise Refused("the URL names a user, no host, or a fragment")
    secure = parts.scheme == "https"
    target = Target(secure, parts.hostname, _port(port, secure=secure), _path(parts.path, parts.query))
    _check_host(target.host, bracketed=parts.netloc.startswith("["))
    return target


def _port(port: int | None, *, secure: bool) -> int:
    if port is None:
        return 443 if secure else 80
    if port not in _PORTS and port < _FREE_PORTS:
        raise Refused("the port belongs to another protocol")
    return port


def _path(path: str, query: str) -> str:
    return (path or "/") + (f"?{query}" if query else "")


def _check_host(host: str, *, bracketed: bool) -> None:
    """A name of letters, digits and hyphens, or an address written the one usual way (no 0x7f.1, no 2130706433)."""
    literal = _literal(host)
    if bracketed or literal is not None:
        if bracketed != isinstance(literal, IPv6Address):
            raise Refused("the brackets hold no IPv6 address")
        return
    labels = host.removesuffix(".").split(".")
    if not _HOST.issuperset(host) or not all(0 < len(label) < 64 for label in labels):
        raise Refused("the host is no name")
    # Resolvers read a name that ends in a number as an address (WHATWG URL, "ends in a number").
    if labels[-1][0].isdigit():
        raise Refused("the host is a number")


def _literal(host: str) -> Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.scope_id:
        raise Refused("the address names an interface")
    return address


def is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if any(address in network for network in _NEVER):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


@contextmanager
def _connected(target: Target, address: Address, timeout: float) -> Iterator[http.client.HTTPConnection]:
    """A connection to the checked address, cut off when `timeout` is over, however slowly bytes trickle in."""
    late = Event()
    with socket.create_connection((str(address), target.port), timeout=timeout) as plain:
        link = http.client.HTTPConnection(target.host, target.port)
        link.sock = _behind_tls(plain, target.host) if target.secure else plain
        alarm = Timer(timeout, _cut, [link.sock, late])
        alarm.daemon = True
        alarm.start()
        try:
            if isinstance(link.sock, ssl.SSLSocket):
                link.sock.do_handshake()
            yield link
        finally:
            alarm.cancel()
            link.close()
    if late.is_set():
        raise NoAnswer("too slow")


def _cut(link: socket.socket, late: Event) -> None:
    late.set()
    with suppress(OSError):  # the other side was quicker
        # Not the TLS socket's own: it would first forget its cipher, and what still reads would read plain.
        socket.socket.shutdown(link, socket.SHUT_RDWR)


def _behind_tls(plain: socket.socket, host: str) -> ssl.SSLSocket:
    """The certificate must be the name's, although the connection goes to an address. The handshake comes later."""
    return _tls().wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
