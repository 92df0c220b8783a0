"""Calls to addresses that others named: 300 ways to point one at the inside, and none arrives."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from itertools import product
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_django import Settings
from pytest_socket import SocketConnectBlockedError

from portal.core import clock
from portal.core import http as guarded
from portal.core.http import Client, NoAnswer, Refused, is_public


class Canary(ThreadingHTTPServer):
    """Counts connections, not requests: even a handshake is a hit."""

    daemon_threads = True
    hits = 0

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        self.hits += 1
        return super().get_request()

    def handle_error(self, *_args: object) -> None:
        """A client that hangs up is what is tested here."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Canary

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.answer(200, self.rfile.read(length) + self.headers["Host"].encode())

    def do_GET(self) -> None:
        routes: dict[str, Callable[[], None]] = {
            "/redirect": self.redirect,
            "/large": lambda: self.answer(200, b"x" * 100_000),
            "/drip": self.drip,
            "/headers": self.drip_headers,
            "/garbage": lambda: void(self.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n")),
        }
        routes.get(self.path, lambda: self.answer(200, b"hit"))()

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def redirect(self) -> None:
        self.send_response(302)
        self.send_header("Location", f"{self.server.url}/inside")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def drip(self) -> None:
        """No packet is late, and the whole never ends."""
        self.send_response(200)
        self.end_headers()
        self.trickle(b"x")

    def drip_headers(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        self.trickle(b"y")

    def trickle(self, byte: bytes) -> None:
        for _ in range(100):
            try:
                self.wfile.write(byte)
                self.wfile.flush()
            except OSError:
                return
            time.sleep(0.05)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


def void(_value: object) -> None:
    """A route returns nothing."""


def serve(server: Canary) -> Iterator[Canary]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    yield from serve(Canary(("127.0.0.1", 0), Handler))


LOOPBACK = [
    "127.0.0.1", "127.1", "127.0.1", "127.127.127.127", "127.255.255.254", "0.0.0.0", "0", "0x0", "2130706433",
    "0x7f000001", "0x7F000001", "017700000001", "0177.0.0.1", "0177.0.0.01", "0x7f.0x0.0x0.0x1", "0x7f.0.0.1",
    "0x7f.1", "0177.1", "127.0x1", "127.0.0.01", "127.0.0.1.", "127.000.000.001", "00127.0.0.1", "4294967295",
    "2130706433.", "18446744071562067969", "0x17f000001", "127.0.0.1%00", "127.0.0.1%2e", "%31%32%37.0.0.1",
    "１２７.０.０.１", "127。0。0。1", "①②⑦.⓪.⓪.①", "127．0．0．1", "localhost", "LOCALHOST", "localhost.",
    "LocalHost.localdomain", "ⓛocalhost", "localhost%00", "local\thost", "localtest.me", "127.0.0.1.nip.io",
    "lvh.me", "ip6-localhost", "loopback", "127-0-0-1.sslip.io", "a.b.c.rebind.example", "xn--calhost-xyz",
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::127.0.0.1]", "[::7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]",
    "[2001:0:7f00:1::1]", "[fe80::1]", "[fe80::1%25lo]", "[::1%25lo]", "[fc00::1]", "[fd12:3456:789a::1]", "[ff02::1]",
    "[fec0::1]", "[100::1]", "[2001:db8::1]", "[::1", "::1", "[v1.localhost]", "[127.0.0.1]", "[]",
]  # fmt: skip
INSIDE = [
    "169.254.169.254", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "169.254.43518", "169.16689662",
    "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "metadata.google.internal", "metadata", "instance-data",
    "169.254.169.254.nip.io", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16",
    "168.63.129.16.internal",
    "10.0.0.1", "10.255.255.255", "012.0.0.1", "0xa000001", "172.16.0.1", "172.31.255.255", "192.168.0.1",
    "192.168.1", "0300.0250.0.1", "3232235521", "100.64.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.7",
    "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "kubernetes.default.svc",
    "database", "broker", "intranet.corp", "192.88.99.1", "0.1.2.3", "host.docker.internal",
]  # fmt: skip
# `HOST` is replaced by the canary's own address and port.
WHOLE = [
    "http://HOST@example.org/", "http://example.org@HOST/", "http://example.org:80@HOST/", "http://user:pass@HOST/",
    "http://example.org#@HOST/", "http://HOST#@example.org/", "http://example.org?@HOST/#f", "http://HOST\\@example.org/",
    "http://example.org\\@HOST/", "http:\\\\HOST\\", "http:/HOST/", "http:HOST/", "http:///HOST/", "http:////HOST/",
    "//HOST/", "HOST", "/\\HOST/", " http://HOST/", "http://HOST/ ", "\thttp://HOST/", "ht\ntp://HOST/",
    "http://HOST/\r\nX-Injected: 1", "http://HOST/%0d%0a", "http://HOST /", "http://exa mple.org@HOST/",
    "http://example.org&@HOST/", "http://HOST;example.org/", "http://HOST,example.org/", "http://HOST|example.org/",
    "http://HOST`/", "http://{HOST}/", "http://<HOST>/", "http://HOST^/", "http://\"HOST\"/", "http://HOST/\x00",
    "file:///etc/passwd", "file://HOST/etc/passwd", "ftp://HOST/", "gopher://HOST/_GET", "dict://HOST/stat",
    "ldap://HOST/", "jar:http://HOST/!/", "javascript:alert(1)", "data:text/plain,hit", "ws://HOST/", "wss://HOST/",
    "tftp://HOST/x", "netdoc:///etc/passwd", "url:http://HOST/", "blob:http://HOST/", "http+unix://%2Ftmp%2Fs/",
    "unix:///tmp/s", "HTTP://HOST/", "hTtP://HOST/", "https://HOST/", "http://HOST:0/", "http://127.0.0.1:22/",
    "http://127.0.0.1:25/", "http://example.org:22/", "http://example.org:25/", "http://example.org:6379@HOST/",
    "http://example.org:99999/", "http://example.org:-1/", "http://example.org:+80@HOST/", "http://example.org:８０/",
    "http://example.org:80:HOST/", "http://example.org:/HOST@x", "http://", "http://.", "http://..", "http://.example",
    "http://a..b/", "http://-", "http://*/", "http://%6c%6fcalhost/", "http://exa%6dple.org@HOST/", "",
    "http://" + "a" * 64 + ".example/", "http://HOST/" + "a" * 3000, "http://[HOST]/", "http://[::1]HOST/",
    "http://[::1]@HOST/", "http://HOST[::1]/", "http://[::ffff:HOST]/",
]  # fmt: skip


def payloads(canary: Canary) -> list[str]:
    port = canary.server_port
    hosts = [f"{scheme}://{host}:{port}/" for host, scheme in product([*LOOPBACK, *INSIDE], ("http", "https"))]
    return [*hosts, *(text.replace("HOST", f"127.0.0.1:{port}") for text in WHOLE)]


def leads_inside(_host: str, _port: int) -> list[str]:
    """The worst name server there is: every name that reaches it leads to the canary."""
    return ["127.0.0.1"]


def test_three_hundred_payloads_never_reach_the_canary(canary: Canary) -> None:
    tried = payloads(canary)
    assert len(set(tried)) >= 300
    for url in tried:
        with pytest.raises(Refused):
            Client(resolve=leads_inside).send("GET", url)
    assert canary.hits == 0


def test_the_canary_does_sing_when_it_is_reached(canary: Canary, settings: Settings) -> None:
    settings.PRIVATE_HOSTS = {f"127.0.0.1:{canary.server_port}"}
    answer = Client().send("POST", f"{canary.url}/hook", body=b"hello ")
    assert (answer.status, answer.body) == (200, f"hello 127.0.0.1:{canary.server_port}".encode())
    assert canary.hits == 1


def test_being_allowed_one_port_allows_no_other(canary: Canary, settings: Settings) -> None:
    settings.PRIVATE_HOSTS = {"127.0.0.1:9"}
    with pytest.raises(Refused):
        Client().send("GET", canary.url)
    assert canary.hits == 0


def test_a_redirect_is_handed_back_and_not_followed(canary: Canary, settings: Settings) -> None:
    settings.PRIVATE_HOSTS = {"127.0.0.1"}
    answer = Client().send("GET", f"{canary.url}/redirect")
    assert answer.status == 302
    assert not answer.ok
    assert canary.hits == 1


def test_one_private_address_among_public_ones_is_enough_to_refuse(canary: Canary) -> None:
    mixed = [["93.184.215.14", "127.0.0.1"], ["127.0.0.1", "93.184.215.14"], ["2600::1", "::ffff:10.0.0.1"]]
    answers = iter(mixed)
    for _ in mixed:
        with pytest.raises(Refused):
            Client(resolve=lambda _host, _port: next(answers)).send("GET", "http://mixed.example/")
    assert canary.hits == 0


def test_it_connects_to_the_address_it_checked_and_asks_only_once(canary: Canary) -> None:
    """A name server that answers something public first and the canary afterwards gains nothing."""
    answers = iter([["93.184.215.14"], ["127.0.0.1"]])
    # Tests may not leave loopback; that the public address was tried is what the guard says.
    with pytest.warns(match=r"93\.184\.215\.14"), pytest.raises(SocketConnectBlockedError):
        Client(resolve=lambda _host, _port: next(answers)).send("GET", f"http://rebind.example:{canary.server_port}/")
    assert next(answers) == ["127.0.0.1"]
    assert canary.hits == 0


@pytest.mark.parametrize("path", ["/large", "/garbage"])
def test_an_answer_that_is_too_large_or_no_http_is_none(canary: Canary, settings: Settings, path: str) -> None:
    settings.PRIVATE_HOSTS = {"127.0.0.1"}
    with pytest.raises(NoAnswer):
        Client().send("GET", f"{canary.url}{path}")


@pytest.mark.parametrize("path", ["/drip", "/headers"])
def test_an_answer_that_trickles_in_is_cut_off_as_a_whole(canary: Canary, settings: Settings, path: str) -> None:
    settings.PRIVATE_HOSTS = {"127.0.0.1"}
    began = time.monotonic()
    with pytest.raises(NoAnswer):
        Client(timeout=0.4).send("GET", f"{canary.url}{path}")
    assert time.monotonic() - began < 2


def test_nobody_there_is_no_answer(settings: Settings) -> None:
    settings.PRIVATE_HOSTS = {"127.0.0.1"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(NoAnswer):
        Client().send("GET", f"http://127.0.0.1:{port}/")


def test_errors_never_quote_the_url(canary: Canary) -> None:
    with pytest.raises(Refused) as caught:
        Client().send("GET", f"{canary.url}/hook?secret=s3cr3t")
    assert "s3cr3t" not in str(caught.value)
    assert "127" not in str(caught.value)


def certificate(folder: Path, name: str) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = clock.now()
    built = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(built.public_bytes(pem))
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(plain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


@pytest.fixture
def behind_tls(tmp_path: Path) -> Iterator[tuple[Canary, list[str | None]]]:
    """A server with a certificate for hooks.example, and the names that it was greeted with."""
    names: list[str | None] = []
    server = Canary(("127.0.0.1", 0), Handler)
    context = certificate(tmp_path, "hooks.example")
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    for started in serve(server):
        yield started, names


def test_tls_is_checked_against_the_name_although_an_address_is_called(
    behind_tls: tuple[Canary, list[str | None]], settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server, names = behind_tls
    settings.PRIVATE_HOSTS = {"hooks.example", "other.example"}
    trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    monkeypatch.setattr(guarded, "_tls", lambda: trusting)
    client = Client(resolve=leads_inside)
    assert client.send("POST", f"https://hooks.example:{server.server_port}/", body=b"x").ok
    with pytest.raises(NoAnswer):
        client.send("POST", f"https://other.example:{server.server_port}/", body=b"x")
    assert names == ["hooks.example", "other.example"]


def test_a_certificate_nobody_vouches_for_is_refused(
    behind_tls: tuple[Canary, list[str | None]], settings: Settings
) -> None:
    settings.PRIVATE_HOSTS = {"hooks.example"}
    with pytest.raises(NoAnswer):
        Client(resolve=leads_inside).send("GET", f"https://hooks.example:{behind_tls[0].server_port}/")


@pytest.mark.parametrize("text", ["93.184.215.14", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001::1"])
def test_public_addresses_are_public(text: str) -> None:
    assert is_public(ip_address(text))


def test_headers_come_back_in_lower_case(canary: Canary, settings: Settings) -> None:
    settings.PRIVATE_HOSTS = {"127.0.0.1"}
    answer = Client().send("GET", canary.url)
    assert answer.headers["content-length"] == "3"
