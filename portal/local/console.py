"""Progress for the person who waits at the terminal."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

SECONDS_BETWEEN_DOTS = 2.0


@dataclass
class Console:
    """One line a step: what is being done, and how long it took."""

    stream: TextIO = field(default_factory=lambda: sys.stdout)
    _shown_at: float = 0.0

    def line(self, text: str = "") -> None:
        self._write(f"{text}\n")

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        begun = self._shown_at = time.monotonic()
        self._write(f"  {text} ")
        try:
            yield
        except BaseException:
            self.line("failed")
            raise
        self.line(f"{time.monotonic() - begun:.1f} s")

    def dot(self) -> None:
        if time.monotonic() - self._shown_at > SECONDS_BETWEEN_DOTS:
            self._shown_at = time.monotonic()
            self._write(".")

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()
