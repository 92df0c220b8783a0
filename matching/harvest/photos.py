"""Photos in. An image enters whole or not at all, and a second run goes on where the first stopped.

However many photos there are, a few batches of them are in memory: one being stored while the next are read.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import numpy as np

from matching.errors import ReaderDied
from matching.faces import WORTH_A_POOL, Pack, Reading, photo_readers, read_photo
from matching.harvest import admission
from matching.harvest.admission import Admitted, Arrival, Key, Photo
from matching.index import FaceRows, face_rows
from matching.photos import BEGINNING, HARVEST_LIMITS, fault_of_beginning
from matching.provenance import digest_of_address
from matching.types import Harvestable, HarvestReport, PhotoFault

Progress = Callable[[int], None]  # told the number of entries dealt with so far
Skipped = Callable[[str, str], None]  # told the name of a file, and why it was not taken
Faceless = Callable[[str], None]  # told the name of a file that was taken, and in which no face was found

BATCH = 32  # photos known or not, and stored, at a stroke
BATCH_BYTES = 32_000_000
AHEAD = 2  # batches being read while one is stored

Item = TypeVar("Item")


@dataclass(frozen=True)
class Opened:
    entry: Harvestable
    content: bytes
    key: Key
    fault: str = ""


NO_KEY: Key = b"", b""  # of what was not read
NOT_PHOTOS = (PhotoFault.NOT_AN_IMAGE, PhotoFault.UNSUPPORTED, "not_a_file")

Outcome = Reading | str | None  # what was read, why it was not, or None: already here


@dataclass(frozen=True)
class Begun:
    opened: Opened
    wait: Callable[[], Outcome]


class Tally:
    def __init__(self) -> None:
        self.done = self.images = self.faces = self.already = self.kept_out = self.skipped = 0
        self.faces_passed_over = self.not_photos = self.without_face = 0

    def count(self, admitted: Admitted) -> None:
        self.images += len(admitted.image_ids)
        self.faces += admitted.faces
        self.already += admitted.already + admitted.refused
        self.kept_out += admitted.refused

    def report(self) -> HarvestReport:
        return HarvestReport(
            self.images,
            self.faces,
            self.already,
            self.skipped,
            not_photos=self.not_photos,
            without_face=self.without_face,
            kept_out=rounded(self.kept_out),
            faces_passed_over=self.faces_passed_over,
        )


def harvest(
    entries: Iterable[Harvestable], pack: Pack, on_progress: Progress, on_skipped: Skipped, on_faceless: Faceless
) -> HarvestReport:
    """Errors: HarvestRunning, ReaderDied, OSError of the image store, HarvestRefused."""
    tally, left = Tally(), iter(entries)
    first = list(islice(left, WORTH_A_POOL))
    with admission.one_harvest():
        admission.clear_leftovers()
        with photo_readers(len(first)) as pool:
            put_off: list[Harvestable] = []
            for batch in begun(chain(first, left), pack, pool):
                take_in(batch, tally, on_skipped, on_faceless, put_off)
                on_progress(tally.done)
            # A machine that was busy then may not be so now; what fails again is a photo that is too hard.
            for batch in begun(put_off, pack, pool):
                take_in(batch, tally, on_skipped, on_faceless)
                on_progress(tally.done)
    return tally.report()


def begun(entries: Iterable[Harvestable], pack: Pack, pool: Executor | None) -> Iterator[list[Begun]]:
    return ahead((begin(batch, pack, pool) for batch in batches(entries)), AHEAD if pool else 0)


def batches(entries: Iterable[Harvestable]) -> Iterator[list[Opened]]:
    batch: list[Opened] = []
    for entry in entries:
        batch.append(opened(entry))
        if len(batch) == BATCH or sum(len(each.content) for each in batch) >= BATCH_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


def opened(entry: Harvestable) -> Opened:
    if entry.fault:
        return Opened(entry, b"", NO_KEY, entry.fault)
    try:
        if not entry.file.is_file():  # what is a pipe would never end
            return Opened(entry, b"", NO_KEY, "not_a_file" if entry.file.exists() else "unreadable")
        beginning = head(entry.file, BEGINNING)
        if fault := fault_of_beginning(beginning, HARVEST_LIMITS):
            return Opened(entry, b"", NO_KEY, fault)
        content = head(entry.file, HARVEST_LIMITS.longest + 1)
    except OSError:
        return Opened(entry, b"", NO_KEY, "unreadable")
    key = admission.digest(content), digest_of_address(entry.page)
    return Opened(entry, content, key, PhotoFault.TOO_BIG if len(content) > HARVEST_LIMITS.longest else "")


def head(file: Path, length: int) -> bytes:
    with file.open("rb") as stream:
        return stream.read(length)


def begin(batch: Sequence[Opened], pack: Pack, pool: Executor | None) -> list[Begun]:
    there = admission.known([each.key for each in batch if not each.fault])
    return [Begun(each, waiting(each, pack, pool, is_known=each.key in there)) for each in batch]


def waiting(each: Opened, pack: Pack, pool: Executor | None, *, is_known: bool) -> Callable[[], Outcome]:
    if each.fault or is_known:
        return partial(str, each.fault) if each.fault else lambda: None
    return pool.submit(read_photo, each.content, pack).result if pool else partial(read_photo, each.content, pack)


def ahead(items: Iterator[Item], count: int) -> Iterator[Item]:
    """The same items, each given out when `count` further ones were begun."""
    waiting: deque[Item] = deque()
    for item in items:
        waiting.append(item)
        if len(waiting) > count:
            yield waiting.popleft()
    yield from waiting


def take_in(
    batch: Sequence[Begun],
    tally: Tally,
    on_skipped: Skipped,
    on_faceless: Faceless,
    put_off: list[Harvestable] | None = None,
) -> None:
    """With `put_off`, what took too long is neither taken nor skipped, but noted there."""
    taken: list[tuple[Arrival, Reading]] = []
    files: list[str] = []
    left = 0
    for each in batch:
        outcome = outcome_of(each)
        if isinstance(outcome, Reading):
            taken.append((arrival(each.opened, outcome), outcome))
            files.append(str(each.opened.entry.file))
        elif outcome is None:
            tally.already += 1
        elif outcome == PhotoFault.TOO_MUCH_WORK and put_off is not None:
            put_off.append(each.opened.entry)
            left += 1
        else:
            tally.skipped += 1
            tally.not_photos += outcome in NOT_PHOTOS
            on_skipped(str(each.opened.entry.file), outcome)
    if taken:
        admitted = admission.admit([image for image, _ in taken], faces_of(taken))
        tally.count(admitted)
        for file, (image, reading) in zip(files, taken, strict=True):
            if image.image_id in admitted.image_ids and not reading.boxes:
                tally.without_face += 1
                on_faceless(file)
    tally.done += len(batch) - left


def outcome_of(photo: Begun) -> Outcome:
    try:
        return photo.wait()
    except BrokenExecutor:
        raise ReaderDied(
            "A process that reads photos was killed, perhaps for want of memory. Run the same command again to go on."
        ) from None


def arrival(opened: Opened, taken: Reading) -> Arrival:
    entry = opened.entry
    return Arrival(
        uuid4(),
        opened.key[0],
        page=entry.page,
        site=entry.site,
        harvested_on=entry.harvested_on,
        country=entry.country,
        address=entry.address,
        width=taken.width,
        height=taken.height,
        photo=Photo(opened.content, taken.upright),
    )


def faces_of(taken: Sequence[tuple[Arrival, Reading]]) -> FaceRows:
    ids = [image.image_id for image, reading in taken for _ in reading.boxes]
    boxes = [box for _, reading in taken for box in reading.boxes]
    scores = [score for _, reading in taken for score in reading.scores]
    return face_rows(ids, boxes, scores, np.concatenate([reading.rows for _, reading in taken]))


def rounded(kept_out: int) -> int:
    """Down to tens: a few photos harvested for the purpose say nothing about the faces in them."""
    return kept_out // 10 * 10
