"""Progress for the person who waits at the terminal."""

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Never, TextIO

from tqdm import tqdm

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

    @contextmanager
    def bar(self, text: str, total: int) -> Iterator[Callable[[int], None]]:
        """A step of many like parts, told how many of them are done: a progress bar where a person looks on, and each
        tenth in a log."""
        with self.step(text):
            self._shown_at = math.inf  # no dots: this says more
            if self.stream.isatty():
                with tqdm(total=total, desc=f"  {text}", unit="photo", file=self.stream, leave=False) as bar:
                    yield lambda done: _advance(bar, done)
                self._write(f"  {text} ")
            else:
                told = 0

                def tell(done: int) -> None:
                    nonlocal told
                    if (percent := 10 * (10 * done // total)) > told:
                        told = percent
                        self._write(f"{percent} % ")

                yield tell

    def dot(self) -> None:
        if time.monotonic() - self._shown_at > SECONDS_BETWEEN_DOTS:
            self._shown_at = time.monotonic()
            self._write(".")

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()


def _advance(bar: "tqdm[Never]", done: int) -> None:
    bar.update(done - bar.n)
