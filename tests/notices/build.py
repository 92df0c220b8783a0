"""Images that clients were shown, and a client's webhook on loopback."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

from matching import service
from matching.types import RegisterLine
from portal.accounts.models import User
from portal.notices import actions
from portal.notices.models import Channel, Recipient
from tests.builders import indexed_image

SHOWN_AT = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)


def shown_image(*clients: str) -> UUID:
    image = indexed_image()
    service.import_disclosures([RegisterLine(client, "Police", SHOWN_AT, image_id=image) for client in clients])
    return image


def reached(code: str, channel: Channel, endpoint: str, *, by: tuple[User, User]) -> Recipient:
    recipient, _new = Recipient.objects.get_or_create(code=code)
    actions.propose_channel(recipient, channel, endpoint, "en", by=by[0])
    actions.confirm_channel(recipient, by=by[1])
    recipient.refresh_from_db()
    return recipient


class Hook(ThreadingHTTPServer):
    """`status`: what it answers; `acknowledges`: whether its answer does; `says`: what it says instead."""

    daemon_threads = True
    status = 200
    acknowledges = False
    says: bytes | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/notices"

    @property
    def content(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.received[-1][1])
        return told


class _Handler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
        said = {"acknowledged": json.loads(body)["notice"]} if self.server.acknowledges else {"received": True}
        answer = json.dumps(said).encode() if self.server.says is None else self.server.says
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        with suppress(ConnectionError):  # the portal hangs up on a long one
            self.wfile.write(answer)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@contextmanager
def listening() -> Iterator[Hook]:
    server = Hook()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
