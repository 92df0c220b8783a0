"""`make fuzz`: hostile photos and mutations of them through the confined decoder, and what became of each.

The same number gives the same photos. Nothing is decoded in this process, so that it is still there at the end is
part of the result.
"""

import argparse
import os
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path

from tqdm import tqdm

from bench import hostile_photos
from bench.hostile_photos import Seed
from matching.decoding.limits import HARVEST, SELFIE
from matching.errors import PhotoRejected
from matching.photos.decoder_pool import Pool

SIDE = 1600  # what a selfie is reduced to
LONGEST_BASE = 60_000  # bytes; what is mutated should be mostly structure
EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
BATCH = 500
DECODED = "decoded"


@dataclass
class Tally:
    outcomes: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    slowest: float = 0.0
    slowest_kind: str = ""

    def add(self, kind: str, outcome: str, seconds: float) -> None:
        self.outcomes[kind][outcome] += 1
        if seconds > self.slowest:
            self.slowest, self.slowest_kind = seconds, kind

    def of(self, outcome: str) -> int:
        return sum(counts[outcome] for counts in self.outcomes.values())

    @property
    def total(self) -> int:
        return sum(counts.total() for counts in self.outcomes.values())


class Decoders:
    """A resident's decoder, and for every fourth photo a harvest's, which knows more formats."""

    def __init__(self) -> None:
        size = min(2, os.cpu_count() or 1)
        self._pools = [Pool(SELFIE, size), Pool(HARVEST, size)]

    def outcome(self, number: int, content: bytes) -> tuple[str, float]:
        begun = time.monotonic()
        try:
            self._pools[number % 4 == 3].decode(content, side=SIDE, wait=60)
            what = DECODED
        except PhotoRejected as rejected:
            what = rejected.fault.value
        return what, time.monotonic() - begun

    @property
    def replaced(self) -> int:
        return sum(pool.replaced for pool in self._pools)

    def stop(self) -> None:
        for pool in self._pools:
            pool.stop()


def run(seeds: Iterable[Seed], decoders: Decoders, tally: Tally, advance: Callable[[int], object] = id) -> None:
    with ThreadPoolExecutor(2) as threads:
        numbers, left = count(), iter(seeds)
        while photos := list(islice(left, BATCH)):  # never all of them at once
            results = threads.map(decoders.outcome, numbers, [photo.content for photo in photos])
            for photo, (outcome, seconds) in zip(photos, results, strict=True):
                tally.add(photo.kind, outcome, seconds)
            advance(len(photos))


def mutations(bases: Sequence[Seed], count: int, number: int) -> Iterator[Seed]:
    chance = random.Random(number)  # noqa: S311  (repeatable on purpose)
    small = [base for base in bases if 16 < len(base.content) <= LONGEST_BASE]
    for _ in range(count):
        base = chance.choice(small)
        content = bytearray(base.content)
        for _ in range(chance.choice((1, 1, 2, 4, 16))):
            mutate(content, chance, small)
        yield Seed(base.kind, bytes(content))


def mutate(content: bytearray, chance: random.Random, others: Sequence[Seed]) -> None:
    # Headers are where parsers decide, so half of the time there.
    at = chance.randrange(min(len(content), 200) if chance.random() < 0.5 else len(content)) if content else 0
    match chance.randrange(7):
        case 0:
            content[at : at + 1] = bytes([chance.randrange(256)])
        case 1:
            size = chance.choice((1, 2, 4))
            edge = chance.choice(EDGES) & (256**size - 1)
            content[at : at + size] = edge.to_bytes(size, chance.choice(("big", "little")))
        case 2:
            del content[at : at + chance.randrange(1, 64)]
        case 3:
            content[at:at] = chance.randbytes(chance.randrange(1, 32))
        case 4:
            content[at:at] = content[at : at + chance.randrange(1, 256)]
        case 5:
            other = chance.choice(others).content
            start = chance.randrange(len(other))
            content[at : at + 64] = other[start : start + 64]
        case 6:
            del content[max(at, 16) :]


def robustness(shared: Path) -> list[Seed]:
    """One picture in many formats, corrupted, empty and truncated; beside the project, where there is such a folder."""
    folder = shared / "faces" / "robustness"
    return [Seed("files of ../shared", path.read_bytes()) for path in sorted(folder.glob("*.*"))]


def table(tally: Tally) -> str:
    columns = sorted(
        {outcome for counts in tally.outcomes.values() for outcome in counts}, key=lambda n: (n != DECODED, n)
    )
    width = max(len(kind) for kind in tally.outcomes)
    lines = [" " * width + "".join(f"{column:>16}" for column in columns)]
    for kind, counts in tally.outcomes.items():
        lines.append(f"{kind:<{width}}" + "".join(f"{counts[column] or '-':>16}" for column in columns))
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--mutations", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1, help="which photos; the same number gives the same ones")
    asked = parser.parse_args()
    say = sys.stdout.write
    say(f"Seed {asked.seed}\n")
    bases = [*hostile_photos.seeds(), *robustness(Path(__file__).resolve().parents[2] / "shared")]
    decoders, tally = Decoders(), Tally()
    try:
        with tqdm(total=len(bases) + asked.mutations, unit="photo", disable=not sys.stderr.isatty()) as bar:
            run(bases, decoders, tally, bar.update)
            run(mutations(bases, asked.mutations, asked.seed), decoders, tally, bar.update)
    finally:
        decoders.stop()
    lost = len(bases) + asked.mutations - tally.total
    say(f"{table(tally)}\n\n")
    say(
        f"seeds {len(bases)} · mutations {asked.mutations} · decoded {tally.of(DECODED)}"
        f" · refused {tally.total - tally.of(DECODED)} · lost {lost} · children replaced {decoders.replaced}"
        f" · slowest {tally.slowest:.2f} s ({tally.slowest_kind})\n"
    )
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
