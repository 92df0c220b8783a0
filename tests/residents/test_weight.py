"""The first visit of any page is small enough for a slow telephone, and asks no other company for anything."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from threading import Thread
from urllib.parse import urljoin
from wsgiref.simple_server import WSGIRequestHandler, make_server

import brotli
import pytest
from django.conf import settings
from django.db import connections
from django.test import Client

from portal.cases.models import Route
from portal.cases.states import State
from portal.wsgi import application
from tests import builders

pytestmark = pytest.mark.django_db(transaction=True)

MOST = 60 * 1000  # bytes of the page with everything it loads, as they travel
PUBLIC = ["", "request/place/", "status/", "about/", "privacy/", "accessibility/", "help/", "keep-out/", "verify/"]
OF_DRAFT = ["contact", "code", "consent", "without-consent", "photo", "keep-out", "check"]
_LOADED = re.compile(r'(?:<link[^>]*? href|<script[^>]*? src|<img[^>]*? src)="([^"]+)"')
_LOADED_IN_TURN = re.compile(r"""(?:\bfrom ?["']|\bimport ?["']|\burl\(["']?)([^"')]+)""")


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    """The portal as it is served: with WhiteNoise, without the test server's own static files."""
    server = make_server("127.0.0.1", 0, application, handler_class=_Quiet)

    def serve() -> None:
        server.serve_forever()
        connections.close_all()

    thread = Thread(target=serve)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass(frozen=True)
class Got:
    body: bytes
    sent: int  # bytes of the body as it travelled
    kind: str
    encoding: str


def fetch(port: int, path: str, client: Client, *, accept: str) -> Got:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    cookie = client.cookies.get(settings.SESSION_COOKIE_NAME)
    headers = {"Accept-Encoding": accept, **({"Cookie": f"{cookie.key}={cookie.value}"} if cookie else {})}
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status == 200, path
    return Got(body, len(body), answer.headers["Content-Type"], answer.headers.get("Content-Encoding", ""))


def weights(port: int, path: str, client: Client) -> dict[str, int]:
    """What travels on a first visit of a page, by address."""
    page = fetch(port, path, client, accept="br, gzip")
    found = {path: page.sent}
    waiting = [urljoin(path, name) for name in _LOADED.findall(page.body.decode())]
    waiting = [name for name in waiting if not name.startswith(("data:", "/en/", "/fr/"))]
    while waiting:
        address = waiting.pop()
        assert re.match(r"/(?!/)", address), f"{path} loads {address} from elsewhere"
        if address in found:
            continue
        got = fetch(port, address, client, accept="br, gzip")
        assert got.encoding in {"br", "gzip"}, f"{address} is sent as it is"
        found[address] = got.sent
        plain = fetch(port, address, client, accept="identity").body.decode()
        waiting += [urljoin(address, name) for name in _LOADED_IN_TURN.findall(plain) if name.startswith(("./", "/"))]
    return found


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_first_visit_is_light(port: int, language: str) -> None:
    draft = builders.session_of(builders.make_case(route=Route.PHOTO))
    sent = builders.session_of(builders.make_case(State.RECEIVED, keep_out=False))
    visits = [(path, Client()) for path in PUBLIC]
    visits += [(f"request/{step}/", draft) for step in OF_DRAFT]
    visits += [(path, sent) for path in ("request/done/", "status/case/", "withdraw/")]
    for path, client in visits:
        found = weights(port, f"/{language}/{path}", client)
        assert any(name.endswith(".css") for name in found)
        assert sum(name.endswith(".js") for name in found) >= 2
        assert sum(found.values()) <= MOST, found


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_what_is_compressed_is_the_same_file(port: int, encoding: str) -> None:

    unpack = {"br": brotli.decompress, "gzip": gzip.decompress}[encoding]
    for name in ("portal.css", "portal.js", "govuk-frontend.min.js", "tiles.svg"):
        got = fetch(port, f"{settings.STATIC_URL}{name}", Client(), accept=encoding)
        assert got.encoding == encoding
        assert unpack(got.body) == fetch(port, f"{settings.STATIC_URL}{name}", Client(), accept="identity").body
