"""The parent's side: a few children kept from photo to photo, and replaced when one hangs, dies or is used up."""

import atexit
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from matching.decoding import ANSWER, FAULT, FAULTS, GREETING, PIXELS, QUESTION, SEE_THROUGH, Confinement, Limits
from matching.errors import Busy, PhotoRejected, Unconfined
from matching.types import PhotoFault, Pixels

ROOT = Path(__file__).resolve().parents[2]
KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "LANG", "SYSTEMROOT")  # no secret of the portal is among them
SECONDS_TO_START = 30.0
SECONDS_TO_GREET = 1.0  # from the first byte of the greeting to its last
MAY_LACK = 1.0  # seconds of a photo's time, spent in line; one that lacked more is not to blame for being too late
# What one photo may have done to a child, no later photo should meet for long.
PHOTOS_A_LIFE = 500


REFUSAL = (
    "The process that decodes photos cannot be confined here: the kernel or the container refuses it a filter of system"
    " calls (seccomp), so that a photo made to take it over could reach the network or files. Allow seccomp, or accept"
    " that risk with UNCONFINED_DECODER=1."
)


class Broken(Exception):
    """The child died, hung, or answered what no child answers."""


class TooLate(Broken):
    """It had no answer in time."""


class NotUp(Exception):
    """The child is still starting. It was asked nothing and stays, for whoever comes next."""


@dataclass(frozen=True)
class Picture:
    pixels: Pixels
    is_see_through: bool  # a good part of it is transparent


class Child:
    def __init__(self, limits: Limits) -> None:
        """Returns at once; the child is waited for when it is first asked."""
        self._limits = limits
        self._born = time.monotonic()
        self._answered = 0
        self._confinement: Confinement | None = None
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  (the command is ours)
                [sys.executable, "-E", "-s", "-m", "matching.decoding.child", json.dumps(asdict(limits))],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # a parser may print what it was given
                cwd=ROOT,
                env={name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ},
                start_new_session=True,  # Ctrl-C is for the parent, whose end is also the child's
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_fresh(self) -> bool:
        return self._answered == 0

    @property
    def is_used_up(self) -> bool:
        return self._answered >= PHOTOS_A_LIFE

    def confinement(self, *, until: float) -> Confinement:
        """Errors: NotUp, at `until`; Broken, for a child that does not come up at all."""
        if self._confinement is None:
            self._wait_for_greeting(until)
            self._deadline = time.monotonic() + SECONDS_TO_GREET
            (length,) = GREETING.unpack(self._receive(GREETING.size))
            self._confinement = Confinement(**json.loads(bytes(self._receive(length))))
        return self._confinement

    def _wait_for_greeting(self, until: float) -> None:
        latest = self._born + SECONDS_TO_START
        self._socket.settimeout(max(0.001, min(until, latest) - time.monotonic()))
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            raise (NotUp if until < latest else Broken) from None
        except OSError as error:
            raise Broken from error

    def decode(self, content: bytes, *, side: int, until: float) -> Picture:
        """Of a child that is up. Errors: PhotoRejected, Broken."""
        self._deadline = until
        self._send(QUESTION.pack(side, len(content)))
        self._send(content)
        kind, first, second = ANSWER.unpack(self._receive(ANSWER.size))
        has_pixels = kind in (PIXELS, SEE_THROUGH)
        pixels = self._pixels(first, second, side) if has_pixels else None
        self._answered += 1
        if pixels is None:
            raise PhotoRejected(self._fault(kind, first))
        return Picture(pixels, is_see_through=kind == SEE_THROUGH)

    def _pixels(self, width: int, height: int, side: int) -> Pixels:
        longest = side or self._limits.pixels
        if not (0 < width <= longest and 0 < height <= longest and width * height <= self._limits.pixels):
            raise Broken
        return np.frombuffer(self._receive(width * height * 3), np.uint8).reshape(height, width, 3)

    def _fault(self, kind: int, number: int) -> PhotoFault:
        if kind != FAULT or number >= len(FAULTS):
            raise Broken
        return PhotoFault(FAULTS[number])

    def _failed(self, error: OSError) -> Broken:
        return TooLate() if isinstance(error, TimeoutError) else Broken()

    def _in_time(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:  # for each byte that a child lets drip there is no further moment
            raise TooLate
        self._socket.settimeout(left)

    def _send(self, content: bytes) -> None:
        self._in_time()
        try:
            self._socket.sendall(content)
        except OSError as error:
            raise self._failed(error) from error

    def _receive(self, length: int) -> bytearray:
        taken = bytearray(length)
        left = memoryview(taken)
        while left:
            self._in_time()
            try:
                read = self._socket.recv_into(left)
            except OSError as error:
                raise self._failed(error) from error
            if read == 0:
                raise Broken
            left = left[read:]
        return taken

    def stop(self) -> None:
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def forget(self) -> None:
        """In a fork: close the copy of the socket, and leave the child to the process that has it."""
        self._socket.close()
        self._process.returncode = 0


class Pool:
    """At most `size` children for one kind of limits, started when they are first needed."""

    def __init__(self, limits: Limits, size: int, *, unconfined: bool = False) -> None:
        """`unconfined`: on Linux too, whether or not the kernel grants a filter of system calls."""
        self.replaced = 0  # children that hung, died or answered nonsense
        self.held: Confinement | None = None  # what holds the child that came up last
        self._limits = limits
        self._unconfined = unconfined or sys.platform != "linux"
        self._places: queue.LifoQueue[Child | None] = queue.LifoQueue()
        self._children: set[Child] = set()
        for _ in range(size):
            self._places.put(None)

    def start(self) -> None:
        """One child ahead of the first photo. Errors: Unconfined; RuntimeError, where none comes up."""
        try:
            self.confinement()
        except (Broken, NotUp):
            raise RuntimeError("The process that decodes photos does not start.") from None

    def decode(self, content: bytes, *, side: int, wait: float) -> Pixels:
        """Errors: as `picture`."""
        return self.picture(content, side=side, wait=wait).pixels

    def picture(self, content: bytes, *, side: int, wait: float) -> Picture:
        """Waiting for a child, its start and all tries have `wait` seconds together, or those of one photo if more.

        Errors: PhotoRejected; Busy, when no child had its time for this photo; Unconfined.
        """
        if len(content) > self._limits.longest:
            raise PhotoRejected(PhotoFault.TOO_BIG)
        begun, left = time.monotonic(), self._limits.seconds
        until = begun + max(wait, left)
        while left > 0:
            fresh, asked = True, begun
            try:
                with self.child(begun + wait) as child:
                    self._check(child, until)
                    fresh, asked = child.is_fresh, time.monotonic()
                    return child.decode(content, side=side, until=min(until, asked + left))
            except NotUp:
                raise Busy from None
            except TooLate:
                self.replaced += 1
                if asked + left - until > MAY_LACK:
                    raise Busy from None
                break
            except Broken:
                self.replaced += 1
                # A used child may have died of the photo before; a new one had no other.
                left = 0.0 if fresh else left - (time.monotonic() - asked)
        raise PhotoRejected(PhotoFault.TOO_MUCH_WORK)

    def confinement(self) -> Confinement:
        until = time.monotonic() + SECONDS_TO_START
        with self.child(until) as child:
            return self._check(child, until)

    def _check(self, child: Child, until: float) -> Confinement:
        """Of a child before its first photo. Errors: NotUp, Broken, Unconfined."""
        self.held = child.confinement(until=until)
        if not (self.held.is_filtered or self._unconfined):
            raise Unconfined(REFUSAL)
        return self.held

    @property
    def is_free(self) -> bool:
        """Whether somebody would be served at once."""
        return not self._places.empty()

    def pids(self) -> list[int]:
        return [child.pid for child in self._children]

    @contextmanager
    def child(self, until: float) -> Iterator[Child]:
        """Errors: Busy. Whoever leaves it with anything but an answer may leave pixels unread: then it ends."""
        try:
            child = self._places.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            raise Busy from None
        try:
            if child is None:
                child = Child(self._limits)
                self._children.add(child)
            yield child
        except (PhotoRejected, NotUp):
            raise
        except BaseException:
            if child is not None:
                self._end(child)
            raise
        finally:
            if child is not None and child.is_used_up:
                self._end(child)
            self._places.put(child if child in self._children else None)

    def _end(self, child: Child) -> None:
        self._children.discard(child)
        child.stop()

    def stop(self) -> None:
        for child in list(self._children):
            self._end(child)

    def forget(self) -> None:
        for child in self._children:
            child.forget()


SIZE = min(2, os.cpu_count() or 1)
_pools: dict[tuple[Limits, bool], Pool] = {}
_lock = threading.Lock()


def of(limits: Limits, *, unconfined: bool = False) -> Pool:
    """This process's pool; a fork has none of its parent's children."""
    kind = limits, unconfined
    with _lock:
        if kind not in _pools:
            _pools[kind] = Pool(limits, SIZE, unconfined=unconfined)
        return _pools[kind]


def stop() -> None:
    for pool in _pools.values():
        pool.stop()


def forget() -> None:
    global _lock
    _lock = threading.Lock()  # another thread of the parent may have held it
    for pool in _pools.values():
        pool.forget()
    _pools.clear()


atexit.register(stop)
os.register_at_fork(after_in_child=forget)
