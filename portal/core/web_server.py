"""The web server: gunicorn keeps the processes, waitress takes whole requests, and nobody holds a thread by being slow.

A thread sees a request only once all of it is there, so a connection that says nothing, or a byte a second, costs a
file descriptor and a little memory. Those are bounded here, which waitress leaves open: each request has a time to
arrive in, and where connections or bytes run short, whoever has made others wait longest goes first.
What was uploaded is held in memory alone: a photo is never on a disk in the clear (portal.core.uploads).
"""

import os
import resource
import time
from collections import Counter
from io import BytesIO
from typing import Any

from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, TransferEncodingNotImplemented
from waitress.receiver import FixedStreamReceiver
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from portal.core.uploads import LARGEST_REQUEST

SECONDS_TO_ASK = 20.0  # for the head of a request, and for any body
SLOWEST = 8_000  # bytes a second of a body; ten megabytes may take twenty minutes
SECONDS_IDLE = 30.0  # between two requests, or for a reader who takes nothing
MOST_CONNECTIONS = 800  # of one process
MOST_HELD = 256 * 1024**2  # bytes of unfinished requests and unread answers in one process
LARGEST_HEAD = 32 * 1024
# What is too large is read to its end and dropped, because a browser shows no answer before it has sent everything.
LARGEST_READ = 100 * 1024**2
# An answer up to this size waits in memory for a slow reader; the public log in one piece is the largest.
LARGEST_ANSWER = 64 * 1024**2
NEVER = 2**40  # bytes: waitress would write what is larger to a temporary file
OPTIONS: dict[str, Any] = {
    "inbuf_overflow": NEVER,
    "outbuf_overflow": NEVER,
    "outbuf_high_watermark": LARGEST_ANSWER,
    "max_request_header_size": LARGEST_HEAD,
    "max_request_body_size": LARGEST_READ,
    "connection_limit": MOST_CONNECTIONS,
    "cleanup_interval": 1,
    "log_socket_errors": False,
    # Django believes them from TRUSTED_PROXIES alone.
    "clear_untrusted_proxy_headers": False,
    "ident": "",
}


class Dropped:
    """Takes the body of a request that is too large, and keeps nothing."""

    def append(self, _bytes: bytes) -> None: ...

    def close(self) -> None: ...

    def getfile(self) -> BytesIO:
        return BytesIO()


class Request(HTTPRequestParser):  # type: ignore[misc]  # waitress ships no types
    """The application is told how long a body was that is too large, and answers as to any other request."""

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if self.chunked:
            # No browser sends a form so, and how much is still to come would be unknown.
            raise TransferEncodingNotImplemented("Send a Content-Length instead of chunks.")
        if self.content_length > LARGEST_REQUEST:
            self.body_rcv = FixedStreamReceiver(self.content_length, Dropped())


class Connection(HTTPChannel):  # type: ignore[misc]  # waitress ships no types
    """Knows since when its request has been arriving."""

    parser_class = Request

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.begun_at = time.time()
        super().__init__(*args, **kwargs)

    def received(self, data: bytes) -> bool:
        if self.request is None:
            self.begun_at = time.time()
        return bool(super().received(data))

    @property
    def is_answered(self) -> bool:
        """Whether the application works on a request of it, and nothing waits for the visitor."""
        return bool(self.requests) and not self.total_outbufs_len

    @property
    def held(self) -> int:
        """Bytes in memory that wait for the visitor: a body that arrives, or an answer that is not fetched."""
        arriving = self.request
        dropped = arriving is None or arriving.content_length > LARGEST_REQUEST
        return int(self.total_outbufs_len) + (0 if dropped else int(arriving.body_bytes_received))

    def is_late(self, now: float) -> bool:
        arriving = self.request
        if self.is_answered:
            return False
        if arriving is None or self.total_outbufs_len:
            return bool(now - max(self.begun_at, self.last_activity) > SECONDS_IDLE)
        return bool(now - self.begun_at > SECONDS_TO_ASK + arriving.content_length / SLOWEST)


class Listener(TcpWSGIServer):  # type: ignore[misc]  # waitress ships no types
    channel_class = Connection

    def maintenance(self, now: float) -> None:
        """Called once a second: close what is late, and make room."""
        waiting = [channel for channel in list(self.active_channels.values()) if not channel.is_answered]
        for channel in waiting:
            channel.will_close = channel.will_close or channel.is_late(now)
        waiting = [channel for channel in waiting if not channel.will_close]
        many = len(self._map) - MOST_CONNECTIONS * 3 // 4 if len(self._map) > MOST_CONNECTIONS * 9 // 10 else 0
        much = sum(channel.held for channel in waiting) - MOST_HELD
        if many <= 0 and much <= 0:
            return
        # Whoever has most connections goes first, so that a crowd from one address makes room for everyone else.
        crowd = Counter(channel.addr[0] for channel in waiting)
        for channel in sorted(waiting, key=lambda one: (-crowd[one.addr[0]], one.begun_at)):
            if many <= 0 and (much <= 0 or not channel.held):
                continue
            channel.will_close = True
            many, much = many - 1, much - channel.held


class BufferingWorker(Worker):  # type: ignore[misc]  # gunicorn ships no types
    """A process of gunicorn's that serves with waitress."""

    def run(self) -> None:
        _allow_files()
        sockets = [listener.sock for listener in self.sockets]
        channels: dict[int, Any] = {}
        threads = ThreadedTaskDispatcher()
        threads.set_thread_count(self.cfg.threads)
        adjustments = Adjustments(sockets=sockets, **OPTIONS)
        listeners = [
            Listener(
                self.wsgi,
                channels,
                _sock=sock,
                dispatcher=threads,
                adj=adjustments,
                bind_socket=False,
                sockinfo=(sock.family, sock.type, sock.proto, sock.getsockname()),
            )
            for sock in sockets
        ]
        while self.alive and os.getppid() == self.ppid:
            self.notify()
            wasyncore.poll2(0.5, channels)
        for listener in listeners:
            listener.accepting = False
        self._finish(listeners, channels)
        threads.shutdown(timeout=1)

    def _finish(self, listeners: list[Listener], channels: dict[int, Any]) -> None:
        """Answer what has arrived whole."""
        until = time.monotonic() + self.cfg.graceful_timeout

        def is_busy() -> bool:
            open_ones = [channel for listener in listeners for channel in listener.active_channels.values()]
            return any(channel.requests or channel.total_outbufs_len for channel in open_ones)

        while is_busy() and time.monotonic() < until:
            self.notify()
            wasyncore.poll2(0.1, channels)


def _allow_files() -> None:
    """As many open files as the connections need, where the system's first limit is lower."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MOST_CONNECTIONS
    if soft < wanted and soft != resource.RLIM_INFINITY:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
