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
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np

from matching.decoding import frames
from matching.decoding.frames import Confinement
from matching.decoding.limits import Limits
from matching.types import Busy, PhotoFault, PhotoRejected, Pixels

ROOT = Path(__file__).resolve().parents[2]
KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "LANG", "SYSTEMROOT")  # no secret of the portal is among them
SECONDS_TO_START = 30.0
# What one photo may have done to a child, no later photo should meet for long.
PHOTOS_A_LIFE = 500


class Broken(Exception):
    """The child died, hung, or answered what no child answers."""


class Child:
    def __init__(self, limits: Limits) -> None:
        """Returns at once; the child is waited for when it is first asked."""
        self._limits = limits
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

    def confinement(self) -> Confinement:
        """Errors: Broken, for a child that does not come up."""
        if self._confinement is None:
            self._until(time.monotonic() + SECONDS_TO_START)
            (length,) = frames.GREETING.unpack(self._receive(frames.GREETING.size))
            self._confinement = Confinement(**json.loads(bytes(self._receive(length))))
        return self._confinement

    def decode(self, content: bytes, *, side: int, seconds: float) -> Pixels:
        """Within `seconds`, once the child is up. Errors: PhotoRejected, Broken."""
        self.confinement()
        self._until(time.monotonic() + seconds)
        try:
            self._socket.sendall(frames.QUESTION.pack(side, len(content)))
            self._socket.sendall(content)
        except OSError as error:
            raise Broken from error
        kind, first, second = frames.ANSWER.unpack(self._receive(frames.ANSWER.size))
        pixels = self._pixels(first, second, side) if kind == frames.PIXELS else None
        self._answered += 1
        if pixels is None:
            raise PhotoRejected(self._fault(kind, first))
        return pixels

    def _pixels(self, width: int, height: int, side: int) -> Pixels:
        longest = side or self._limits.pixels
        if not (0 < width <= longest and 0 < height <= longest and width * height <= self._limits.pixels):
            raise Broken
        return np.frombuffer(self._receive(width * height * 3), np.uint8).reshape(height, width, 3)

    def _fault(self, kind: int, number: int) -> PhotoFault:
        if kind != frames.FAULT or number >= len(frames.FAULTS):
            raise Broken
        return PhotoFault(frames.FAULTS[number])

    def _until(self, deadline: float) -> None:
        self._deadline = deadline
        self._socket.settimeout(max(0.001, deadline - time.monotonic()))

    def _receive(self, length: int) -> bytearray:
        taken = bytearray(length)
        left = memoryview(taken)
        while left:
            self._until(self._deadline)
            try:
                read = self._socket.recv_into(left)
            except OSError as error:
                raise Broken from error
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

    def __init__(self, limits: Limits, size: int) -> None:
        self.replaced = 0  # children that hung, died or answered nonsense
        self._limits = limits
        self._places: queue.LifoQueue[Child | None] = queue.LifoQueue()
        self._children: set[Child] = set()
        for _ in range(size):
            self._places.put(None)

    def start(self) -> None:
        """One child ahead of the first photo. Errors: RuntimeError, where none comes up."""
        try:
            self.confinement()
        except Broken:
            raise RuntimeError("The process that decodes photos does not start.") from None

    def decode(self, content: bytes, *, side: int, wait: float) -> Pixels:
        """Errors: PhotoRejected; Busy, when no child was free within `wait` seconds."""
        if len(content) > self._limits.longest:
            raise PhotoRejected(PhotoFault.TOO_BIG)
        left = self._limits.seconds
        while left > 0:
            with self._child(wait) as child:
                fresh, begun = child.is_fresh, time.monotonic()
                with suppress(Broken):
                    return child.decode(content, side=side, seconds=left)
                self.replaced += 1
                self._end(child)
            # A used child may have died of the photo before; a new one had no other.
            left = 0.0 if fresh else left - (time.monotonic() - begun)
        raise PhotoRejected(PhotoFault.UNSUPPORTED)

    def confinement(self) -> Confinement:
        with self._child(SECONDS_TO_START) as child:
            return child.confinement()

    def pids(self) -> list[int]:
        return [child.pid for child in self._children]

    @contextmanager
    def _child(self, wait: float) -> Iterator[Child]:
        try:
            child = self._places.get(timeout=wait) if wait else self._places.get_nowait()
        except queue.Empty:
            raise Busy from None
        try:
            if child is None:
                child = Child(self._limits)
                self._children.add(child)
            yield child
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
_pools: dict[Limits, Pool] = {}
_lock = threading.Lock()


def of(limits: Limits) -> Pool:
    """This process's pool; a fork has none of its parent's children."""
    with _lock:
        if limits not in _pools:
            _pools[limits] = Pool(limits, SIZE)
        return _pools[limits]


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
