"""Photos in. An image enters whole or not at all, and a second run goes on where the first stopped."""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from uuid import UUID, uuid4

from django.db import connection, transaction

from matching import addresses, blobs
from matching.index import store as index
from matching.models import HarvestedImage, Intake
from matching.packs import Pack
from matching.reading import Reading
from matching.types import Harvestable, HarvestReport, HarvestRunning, Store
from matching.workers import read, workers

LOCK = 0x6D617463  # one harvest at a time, so that an intake row found at the start is a leftover
Progress = Callable[[int], None]  # told the number of entries dealt with so far


def harvest(entries: Sequence[Harvestable], pack: Pack, on_progress: Progress) -> HarvestReport:
    with only_one():
        clear_leftovers()
        with workers(len(entries)) as pool:
            return take_in(read_all(entries, pack, pool), on_progress)


Outcome = Reading | str | None  # what was read, why it was not, or None: already here


def take_in(outcomes: Iterable[tuple[Harvestable, bytes, Outcome]], on_progress: Progress) -> HarvestReport:
    images = faces = already = 0
    skipped: list[tuple[str, str]] = []
    for done, (entry, content, outcome) in enumerate(outcomes, 1):
        if isinstance(outcome, str):
            skipped.append((str(entry.file), outcome))
        elif outcome is None or not keep(entry, content, outcome):
            already += 1
        else:
            images, faces = images + 1, faces + len(outcome.boxes)
        on_progress(done)
    return HarvestReport(images, faces, already, tuple(skipped))


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
    return HarvestedImage.objects.filter(
        file_digest=hashlib.sha256(content).digest(), page_digest=addresses.digest(entry.page)
    ).exists()


def keep(entry: Harvestable, content: bytes, taken: Reading) -> bool:
    """Blobs first, then one transaction: an image that can be found is whole. False: it was there already."""
    if is_known(entry, content):
        return False
    image_id = uuid4()
    Intake.objects.create(image_id=image_id)
    try:
        blobs.store().write_image(image_id, content)
        blobs.store().write_derived(image_id, blobs.UPRIGHT, taken.upright)
        add_rows(image_id, entry, content, taken)
    except BaseException:
        clear(image_id)
        raise
    return True


@transaction.atomic
def add_rows(image_id: UUID, entry: Harvestable, content: bytes, taken: Reading) -> None:
    HarvestedImage.objects.create(
        id=image_id,
        file_digest=hashlib.sha256(content).digest(),
        page=entry.page,
        page_digest=addresses.digest(entry.page),
        address_digest=addresses.digest(entry.address or entry.page),
        site=entry.site,
        country=entry.country,
        harvested_on=entry.harvested_on,
        width=taken.width,
        height=taken.height,
    )
    index().add(image_id, taken.boxes, taken.scores, taken.rows)
    Intake.objects.filter(image_id=image_id).delete()


def clear_leftovers() -> None:
    for image_id in Intake.objects.values_list("image_id", flat=True):
        clear(image_id)


def clear(image_id: UUID) -> None:
    """Of an image that never came in whole: no row can name these blobs, so they go."""
    for store in (Store.IMAGES, Store.DERIVED):
        blobs.store().remove(image_id, store)
    Intake.objects.filter(image_id=image_id).delete()


@contextmanager
def only_one() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            raise HarvestRunning("Another harvest of this index is running.")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
