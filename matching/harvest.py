"""Photos in. An image enters whole or not at all, and a second run goes on where the first stopped."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from uuid import uuid4

from matching import addresses, admission
from matching.admission import Admitted, Arrival, Photo
from matching.index.base import face_rows
from matching.packs import Pack
from matching.reading import Reading
from matching.types import Harvestable, HarvestReport
from matching.workers import read, workers

Progress = Callable[[int], None]  # told the number of entries dealt with so far


def harvest(entries: Sequence[Harvestable], pack: Pack, on_progress: Progress) -> HarvestReport:
    with admission.only_one():
        admission.clear_leftovers()
        with workers(len(entries)) as pool:
            return take_in(read_all(entries, pack, pool), on_progress)


Outcome = Reading | str | None  # what was read, why it was not, or None: already here


def take_in(outcomes: Iterable[tuple[Harvestable, bytes, Outcome]], on_progress: Progress) -> HarvestReport:
    images = faces = already = kept_out = 0
    skipped: list[tuple[str, str]] = []
    for done, (entry, content, outcome) in enumerate(outcomes, 1):
        if isinstance(outcome, str):
            skipped.append((str(entry.file), outcome))
        elif outcome is None:
            already += 1
        else:
            admitted = keep(entry, content, outcome)
            images, faces = images + len(admitted.image_ids), faces + admitted.faces
            already += admitted.already + admitted.refused
            kept_out += admitted.refused
        on_progress(done)
    return HarvestReport(images, faces, already, tuple(skipped), kept_out=rounded(kept_out))


def rounded(kept_out: int) -> int:
    """Down to tens: a few photos harvested for the purpose say nothing about the faces in them."""
    return kept_out // 10 * 10


def read_all(
    entries: Sequence[Harvestable], pack: Pack, pool: Executor | None
) -> Iterator[tuple[Harvestable, bytes, Outcome]]:
    """In order, reading a few photos ahead of the one that is being stored."""
    ahead: deque[tuple[Harvestable, bytes, Future[Reading | str] | Outcome]] = deque()
    for entry in entries:
        ahead.append(begin(entry, pack, pool))
        if len(ahead) > 2 * (os.cpu_count() or 1):
            yield finish(*ahead.popleft())
    while ahead:
        yield finish(*ahead.popleft())


def begin(
    entry: Harvestable, pack: Pack, pool: Executor | None
) -> tuple[Harvestable, bytes, Future[Reading | str] | Outcome]:
    try:
        content = entry.file.read_bytes()
    except OSError:
        return entry, b"", "unreadable"
    if is_known(entry, content):
        return entry, content, None
    return entry, content, pool.submit(read, content, pack) if pool else read(content, pack)


def finish(
    entry: Harvestable, content: bytes, pending: Future[Reading | str] | Outcome
) -> tuple[Harvestable, bytes, Outcome]:
    return entry, content, pending.result() if isinstance(pending, Future) else pending


def is_known(entry: Harvestable, content: bytes) -> bool:
    key = admission.digest(content), addresses.digest(entry.page)
    return bool(admission.known([key]))


def keep(entry: Harvestable, content: bytes, taken: Reading) -> Admitted:
    arrival = Arrival(
        uuid4(),
        admission.digest(content),
        page=entry.page,
        site=entry.site,
        harvested_on=entry.harvested_on,
        country=entry.country,
        address=entry.address,
        width=taken.width,
        height=taken.height,
        photo=Photo(content, taken.upright),
    )
    ids = [arrival.image_id] * len(taken.boxes)
    return admission.admit([arrival], face_rows(ids, taken.boxes, taken.scores, taken.rows))
