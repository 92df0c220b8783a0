"""What each answer of a store, a hook or a mail server means to the portal: four tables, and servers that give them.

An answer that is none is never good news: not "gone", not "acknowledged", not "sent".
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.core.mail import EmailMessage
from pytest_django import Settings

from matching import service
from matching.stores import blobs
from matching.types import Store
from portal.accounts.models import User
from portal.blocks import recovery
from portal.blocks.models import Asked
from portal.cases import actions
from portal.cases.models import Case, Route
from portal.cases.states import State
from portal.core import clock, mailing
from portal.jobs.models import Job
from portal.ledger import leaves, signers
from portal.ledger import publication as ledger
from portal.notices import writing
from portal.notices.models import Channel, Notice
from portal.notices.states import NoticeState
from portal.takedowns.connectors.base import Erasure, StoreError
from portal.takedowns.connectors.caches import Cache
from portal.takedowns.connectors.local import LocalStore
from tests import builders
from tests.matching.conftest import set_matching
from tests.notices.build import listening, reached, shown_image

pytestmark = pytest.mark.django_db
Drain = Callable[[], int]
IMAGE = UUID("11111111-2222-4333-8444-555555555555")

# --- the tables ---

GONE, THERE, ERROR = "gone", "there", "error"
_PREFIX = f"harvested/images/11/{IMAGE}"
_HTML = b"<!DOCTYPE html><html><body><h1>It works!</h1></body></html>"


def listing(inside: str = "<IsTruncated>false</IsTruncated>", *, prefix: str = _PREFIX) -> bytes:
    return (
        f'<?xml version="1.0"?><ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>'
        f"<Prefix>{prefix}</Prefix>{inside}</ListVersionsResult>"
    ).encode()


def version(key: str = _PREFIX, number: str = "<VersionId>1</VersionId>") -> str:
    return f"<IsTruncated>false</IsTruncated><Version><Key>{key}</Key>{number}</Version>"


_TRUNCATED = "<IsTruncated>true</IsTruncated>"
_HALF_NEXT = f"{_TRUNCATED}<NextKeyMarker>k</NextKeyMarker>"
_NEXT = f"{_HALF_NEXT}<NextVersionIdMarker>v</NextVersionIdMarker>"
# What a store that speaks S3 answers when it is asked for the versions of one image.
S3: dict[str, tuple[int, bytes, str]] = {
    "a listing of nothing": (200, listing(), GONE),
    "a listing of a version": (200, listing(version()), THERE),
    "a page of HTML": (200, _HTML, ERROR),
    "a page of HTML that is XML": (200, b"<html><body><p>Sign in to the network</p></body></html>", ERROR),
    "nothing": (200, b"", ERROR),
    "no content": (204, b"", ERROR),
    "an error under a status of success": (200, b"<Error><Code>InternalError</Code></Error>", ERROR),
    "a listing that breaks off": (200, listing()[:150], ERROR),
    "a listing that does not say whether it ends": (200, listing(""), ERROR),
    "a listing of another prefix": (200, listing(prefix="else"), ERROR),
    "a version of another image": (200, listing(version("harvested/images/22/other")), ERROR),
    "a version without its id": (200, listing(version(number="")), ERROR),
    "a truncated page without its marker": (200, listing(_TRUNCATED), ERROR),
    "a truncated page with half its marker": (200, listing(_HALF_NEXT), ERROR),
    "the same truncated page for ever": (200, listing(_NEXT), ERROR),
    "forbidden": (403, b"<Error><Code>AccessDenied</Code></Error>", ERROR),
    "not found": (404, _HTML, ERROR),
    "a redirect": (302, b"", ERROR),
}
# What an HTTP cache answers to HEAD when asked for what it has cached, and then when asked again.
CACHES: dict[str, tuple[int, int, str]] = {
    "it has it": (200, 200, THERE),
    "it has none, nor has the image store": (504, 404, GONE),
    "it has none, and fetches it": (504, 200, THERE),
    "it knows that there is none": (404, 404, GONE),
    "its gateway cannot reach it": (504, 504, ERROR),
    "it is broken": (500, 500, ERROR),
    "a redirect": (302, 302, ERROR),
}
_ACKNOWLEDGED = object()  # the words that acknowledge, which name the notice
# What a recipient's hook answers to a notice, and how the notice goes on.
HOOKS: dict[str, tuple[int, Any, NoticeState, str]] = {
    "it names the notice": (200, _ACKNOWLEDGED, NoticeState.ACKNOWLEDGED, ""),
    "nothing": (204, b"", NoticeState.SENT, ""),
    "no JSON": (200, _HTML, NoticeState.SENT, ""),
    "no text": (200, b"\xff\xfe\x00", NoticeState.SENT, ""),
    "JSON that nests 60,000 deep": (200, b"[" * 60_000, NoticeState.SENT, ""),
    "a number of 60,000 digits": (200, b"9" * 60_000, NoticeState.SENT, ""),
    "three megabytes": (200, b" " * 3_000_000, NoticeState.SENT, ""),
    "yes": (200, b'{"acknowledged": true}', NoticeState.SENT, ""),
    "another notice": (200, b'{"acknowledged": "11111111-2222-4333-8444-555555555555"}', NoticeState.SENT, ""),
    "a redirect": (302, b"", NoticeState.DUE, "answered 302"),
    "too many": (429, b"", NoticeState.DUE, "answered 429"),
    "broken": (500, _ACKNOWLEDGED, NoticeState.DUE, "answered 500"),
    "broken, at length": (500, b" " * 3_000_000, NoticeState.DUE, "answered 500"),
    "unknown": (404, b"", NoticeState.STUCK, "answered 404"),
    "gone": (410, b"", NoticeState.STUCK, "answered 410"),
}
SENT, LATER, FINAL = "sent", "later", "final"
# What a mail server replies to a command.
MAIL: dict[str, tuple[str, str, str]] = {
    "accepted": ("RCPT", "250 OK", SENT),
    "no such mailbox": ("RCPT", "550 5.1.1 no such user", FINAL),
    "mailbox full": ("RCPT", "552 5.2.2 over quota", FINAL),
    "greylisted": ("RCPT", "450 4.2.0 greylisted", LATER),
    "closing": ("RCPT", "421 4.3.2 shutting down", LATER),
    "a number that is none": ("RCPT", "999 what", LATER),
    "no number": ("RCPT", "what", LATER),
    "taken for spam": ("DATA", "554 5.7.1 rejected", FINAL),
    "out of space": ("DATA", "452 4.3.1 no space", LATER),
    "not now": ("DATA", "451 4.3.0 try again", LATER),
    # Whoever sends is refused, not whoever is written to: our own set-up is to be mended, and nothing lost meanwhile.
    "we may not send": ("MAIL", "550 5.7.1 sender refused", LATER),
    "we must sign in": ("MAIL", "530 5.7.0 authentication required", LATER),
}

# --- object stores ---


class Answering(ThreadingHTTPServer):
    daemon_threads = True
    answers: Callable[[BaseHTTPRequestHandler], tuple[int, bytes]]
    asked = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # whoever puts an object waits for "100 Continue"
    server: Answering

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked += 1
        status, body = self.server.answers(self)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = answer  # noqa: N815  (http.server's names)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Answering]:
    server = Answering()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def s3(server: Answering, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Answering:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    blobs.at.cache_clear()
    set_matching(settings, IMAGE_STORE="s3://b/harvested")
    return server


def said(present: Callable[[], bool]) -> str:
    try:
        return THERE if present() else GONE
    except StoreError:
        return ERROR


@pytest.mark.parametrize(("status", "body", "meaning"), S3.values(), ids=S3.keys())
def test_an_object_store(s3: Answering, status: int, body: bytes, meaning: str) -> None:
    s3.answers = lambda _asked: (status, body)
    store = LocalStore(Store.IMAGES)
    assert said(lambda: store.present(Erasure(IMAGE))) == meaning
    if meaning == ERROR:
        with pytest.raises(StoreError):
            store.remove(Erasure(IMAGE))


def test_a_listing_of_two_pages_is_read_to_its_end(s3: Answering) -> None:
    def pages(asked: BaseHTTPRequestHandler) -> tuple[int, bytes]:
        second = parse_qs(urlsplit(asked.path).query).get("key-marker") == ["k"]
        return 200, listing(version()) if second else listing(_NEXT)

    s3.answers = pages
    assert service.present(IMAGE, Store.IMAGES)


@pytest.mark.parametrize("body", [_HTML, b""], ids=["a page of HTML", "nothing"])
def test_an_object_store_that_does_not_say_that_it_took_a_photo(s3: Answering, body: bytes) -> None:
    s3.answers = lambda _asked: (200, body)
    with pytest.raises(OSError, match="did not say"):
        blobs.store().write_image(IMAGE, b"photo")
    assert s3.asked == 1


@pytest.mark.parametrize(("first", "second", "meaning"), CACHES.values(), ids=CACHES.keys())
def test_a_cache(server: Answering, settings: Settings, first: int, second: int, meaning: str) -> None:
    settings.PRIVATE_HOSTS = {"127.0.0.1"}
    server.answers = lambda asked: (first if asked.headers["Cache-Control"] == "only-if-cached" else second, b"")
    cache = Cache(f"{server.url}/{{image}}")
    assert said(lambda: cache.present(Erasure(IMAGE))) == meaning


# --- hooks ---


@pytest.mark.parametrize(("status", "says", "state", "error"), HOOKS.values(), ids=HOOKS.keys())
def test_a_hook(
    settings: Settings, sam: User, lee: User, drain: Drain, status: int, says: Any, state: NoticeState, error: str
) -> None:
    settings.PRIVATE_HOSTS = {"127.0.0.1"}
    settings.NOTICE_WINDOW = timedelta(0)
    with listening() as hook:
        hook.status, hook.acknowledges = status, says is _ACKNOWLEDGED
        hook.says = None if hook.acknowledges else says
        reached("acme", Channel.WEBHOOK, hook.url, by=(sam, lee))
        writing.tell([shown_image("acme")])
        drain()
        notice = Notice.objects.get()
        assert (notice.state, notice.last_error) == (state, error)
        assert len(hook.received) == 1


# --- mail ---


class Refusing:
    """A mail server that takes everything but replies `reply` to `command`."""

    command, reply = "RCPT", "250 OK"

    def __init__(self) -> None:
        self.taken = 0

    def _reply(self, command: str) -> str:
        return self.reply if command == self.command else "250 OK"

    async def handle_MAIL(  # noqa: N802  (aiosmtpd's name, and those below)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self._reply("MAIL")

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self._reply("RCPT")

    async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        reply = self._reply("DATA")
        self.taken += reply.startswith("250")
        return reply


@contextmanager
def mail_server(settings: Settings, command: str, reply: str) -> Iterator[Refusing]:
    refusing = Refusing()
    refusing.command, refusing.reply = command, reply
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(refusing, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 5
    try:
        yield refusing
    finally:
        controller.stop()


@pytest.mark.parametrize(("command", "reply", "meaning"), MAIL.values(), ids=MAIL.keys())
def test_a_mail_server(settings: Settings, command: str, reply: str, meaning: str) -> None:
    with mail_server(settings, command, reply) as server:
        message = EmailMessage("Subject", "Text", to=["ana@example.org"])
        try:
            mailing.deliver(message)
            outcome = SENT
        except mailing.Undeliverable:
            outcome = FINAL
        except OSError:
            outcome = LATER
        assert outcome == meaning
        assert server.taken == (meaning == SENT)


# The same for everyone whom the portal writes to: each writes one mail, and says what became of it.


def resident(drain: Drain) -> Callable[[], str]:
    case = builders.make_case(State.RECEIVED)
    drain()
    jobs = Job.objects.filter(kind="case.mail_received", subject=str(case.code))
    return lambda: {"due": LATER, "done": FINAL}[jobs.get().state]


def resident_who_lost_a_code(drain: Drain) -> Callable[[], str]:
    case: Case = builders.make_case(route=Route.PHOTO, address="ana@example.org")
    actions.keep_out(case, wanted=True, recoverable=True)
    actions.submit(case)
    recovery.ask("ana@example.org")
    clock.move(timedelta(days=1))
    drain()
    return lambda: LATER if Asked.objects.exists() else FINAL


def recipient(drain: Drain) -> Callable[[], str]:
    reached("acme", Channel.MAIL, "a@acme.example", by=(builders.make_account("sam"), builders.make_account("lee")))
    writing.tell([shown_image("acme")])
    drain()
    return lambda: {NoticeState.DUE: LATER, NoticeState.STUCK: FINAL}[NoticeState(Notice.objects.get().state)]


def regulator(drain: Drain) -> Callable[[], str]:
    User.objects.filter(pk=builders.make_account("rita", regulator=True).pk).update(mail="rita@regulator.example")
    signers.create("log.example/ledger")
    leaves.commit(leaves.Kind.TRAIL, {})
    ledger.publish()
    drain()
    return lambda: {"due": LATER, "dead": FINAL}[Job.objects.get(kind="ledger.mail").state]


WRITTEN_TO = [resident, resident_who_lost_a_code, recipient, regulator]


@pytest.mark.parametrize("reply", ["554 5.7.1 rejected", "451 4.3.0 try again"], ids=[FINAL, LATER])
@pytest.mark.parametrize("writes", WRITTEN_TO, ids=[each.__name__ for each in WRITTEN_TO])
def test_a_refusal_means_the_same_for_everyone_who_is_written_to(
    settings: Settings, tmp_path: Any, drain: Drain, writes: Callable[[Drain], Callable[[], str]], reply: str
) -> None:
    settings.KEY_STORE = tmp_path / "keys"
    settings.NOTICE_WINDOW = timedelta(0)
    with mail_server(settings, "DATA", reply):
        outcome = writes(drain)
    assert outcome() == (FINAL if reply.startswith("5") else LATER)
