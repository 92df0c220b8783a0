"""A broker for one machine: each message is a file in a folder. This is a transport of kombu, Celery's library.

Kombu's own `filesystem` transport lets a worker read a message that another process is still writing, and such a
message ended the worker. Here a message is written under `writing/` and renamed into `queue/`, so it appears whole.
Whoever deletes the file has the message, because only one process can. What is no message moves to `damaged/`, and
nothing that lies in these folders can end a worker: a lost wake-up costs one sweep of the job table.
"""

import os
import stat
import time
from collections import defaultdict, deque
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any
from uuid import uuid4

import structlog
from kombu.transport import virtual
from kombu.utils.json import dumps, loads

from portal.policies.operations import ABANDONED_AFTER

log = structlog.get_logger()
MOST_BYTES = 1024**2  # a message of ours has some 700


class NotAMessage(Exception):
    """What lies in the queue's folder was not written by this transport."""


class Channel(virtual.Channel):
    """The transport option `folder` names the folder; it is made when the first message is sent."""

    def __init__(self, connection: Any, **kwargs: Any) -> None:
        super().__init__(connection, **kwargs)
        folder = Path(connection.client.transport_options["folder"])
        self._messages = folder / "queue"
        self._writing = folder / "writing"
        self._damaged = folder / "damaged"
        # Listing a long queue anew for each message would take time that grows with its square.
        self._listed: dict[str, deque[str]] = defaultdict(deque)
        self._immovable: set[str] = set()

    def basic_consume(self, queue: str, no_ack: bool, callback: Any, consumer_tag: Any, **kwargs: Any) -> Any:
        """Hand each message of `queue` to `callback`, whose errors are logged and end nothing."""

        def careful(message: Any) -> None:
            try:
                callback(message)
            except Exception as error:
                log.warning("message_refused", error=type(error).__name__)
                if not message.acknowledged:
                    message.reject()

        self._delete_abandoned()
        return super().basic_consume(queue, no_ack, careful, consumer_tag, **kwargs)

    def _put(self, queue: str, message: dict[str, Any], **_kwargs: Any) -> None:
        name = f"{time.time_ns():020}-{uuid4()}{_ending(queue)}"
        for folder in (self._messages, self._writing):
            folder.mkdir(parents=True, exist_ok=True)
        partial = self._writing / name
        try:
            partial.write_text(dumps(message))
            partial.rename(self._messages / name)
        except OSError:
            with suppress(OSError):
                partial.unlink()
            raise

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        listed = self._listed[queue]
        if not listed:
            listed.extend(self._names(queue))
        while listed:
            message = self._take(self._messages / listed.popleft())
            if message is not None:
                return message
        raise Empty

    def _names(self, queue: str) -> list[str]:
        """The files of a queue, the oldest first."""
        try:
            names = [path.name for path in self._messages.iterdir()]
        except FileNotFoundError:  # nothing was ever sent, or somebody deleted the folder
            return []
        return sorted(name for name in names if name.endswith(_ending(queue)) and name not in self._immovable)

    def _take(self, path: Path) -> dict[str, Any] | None:
        """The message, or None where another process took it or it is none."""
        try:
            message = self._read(path)
            path.unlink()
        except FileNotFoundError:
            return None
        except Exception as error:
            self._set_aside(path, error)
            return None
        return message

    def _read(self, path: Path) -> dict[str, Any]:
        # Neither a pipe, which would never end, nor a link to somewhere else is opened.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise NotAMessage
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise NotAMessage
        message: dict[str, Any] = loads(content)
        if not isinstance(self.Message(message, channel=self).delivery_tag, str):
            raise NotAMessage
        return message

    def _set_aside(self, path: Path, error: Exception) -> None:
        """Out of the way, for a person to look at. The log does not repeat its name, which anybody may have chosen."""
        name = f"{time.time_ns():020}-{uuid4()}"
        try:
            self._damaged.mkdir(parents=True, exist_ok=True)
            path.rename(self._damaged / name)
        except FileNotFoundError:
            return  # another process was quicker
        except OSError:
            self._immovable.add(path.name)
            name = ""
        log.warning("message_damaged", error=type(error).__name__, set_aside_as=name)

    def _delete_abandoned(self) -> None:
        """What writers that were killed left half written. It was in nobody's way."""
        before = time.time() - ABANDONED_AFTER.total_seconds()
        with suppress(FileNotFoundError):
            for path in self._writing.iterdir():
                with suppress(OSError):
                    if path.lstat().st_mtime < before:
                        path.unlink()

    def _purge(self, queue: str) -> int:
        deleted = 0
        for name in self._names(queue):
            with suppress(OSError):
                (self._messages / name).unlink()
                deleted += 1
        return deleted

    def _size(self, queue: str) -> int:
        return len(self._names(queue))


class Transport(virtual.Transport):
    Channel = Channel
    driver_type = driver_name = "folder"
    # A folder that cannot be read or written is a broker that is away: Celery logs it and tries again.
    connection_errors = (*virtual.Transport.connection_errors, OSError)
    polling_interval = 0.2  # seconds

    def driver_version(self) -> str:
        return "1"


def _ending(queue: str) -> str:
    return f".{queue}.msg"
