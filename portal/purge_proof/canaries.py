"""Things of nobody, planted, destroyed as everything else is, and looked for on the raw disk.

Vectors go the way of a takedown: admitted, erased, purged. What a case seals is planted in a transaction that is
rolled back, which leaves the same dead rows and the same log and shows in no list and no number.
"""

import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
from django.conf import settings
from django.db import connection, transaction

from matching import service
from matching.types import Embeddings, PurgeReport, Selfie, Store
from portal.cases import personal
from portal.cases.models import Case
from portal.core import clock, keys, owner
from portal.ledger import leaves
from portal.policies import retention
from portal.purge_proof import disk_scan

KINDS = 4
PHOTO_BYTES = 4096
NO_PROBES: Embeddings = np.empty((0, 0), np.float32)
PAUSE = 0.005  # seconds between two looks of the reader


@dataclass
class Canaries:
    """What to look for. Bytes in the clear may lie nowhere at any time, vectors and keys only until the purge."""

    images: list[UUID] = field(default_factory=list)
    key_ids: list[UUID] = field(default_factory=list)
    vectors: list[bytes] = field(default_factory=list)
    photos: list[bytes] = field(default_factory=list)  # sealed
    salts: list[bytes] = field(default_factory=list)  # sealed, with the opening they belong to
    keys: list[bytes] = field(default_factory=list)
    in_the_clear: list[bytes] = field(default_factory=list)  # the same photos and salts, unsealed


@dataclass(frozen=True)
class Line:
    kind: str
    planted: int
    seen: int  # before the purge: what is never seen proves nothing when it is gone
    left: int


@dataclass(frozen=True)
class Verification:
    lines: tuple[Line, ...]
    purge: PurgeReport
    longest_wait: float  # seconds that a reader of the index was held up while it was purged
    unseen: str  # what could not be looked into; empty where everything was

    @property
    def left(self) -> int:
        return sum(line.left for line in self.lines)

    @property
    def proves_something(self) -> bool:
        return all(line.seen == line.planted for line in self.lines if line.kind != "in the clear")


def verify(count: int, also: Sequence[Path] = ()) -> Verification:
    """Plant `count` canaries, destroy and purge them, and look for them in every file that can be read."""
    canaries = plant(count // KINDS)
    seen, _unseen = look(canaries, also)
    destroy(canaries)
    with reader() as waits:
        report = service.purge(also=retention.SEALED_TABLES)
    left, unseen = look(canaries, also)
    lines = tuple(
        Line(kind, len(needles), len(seen & set(needles)), len(left & set(needles)))
        for kind, needles in by_kind(canaries).items()
    )
    return Verification(lines, report, max(waits, default=0.0), unseen)


def by_kind(canaries: Canaries) -> dict[str, list[bytes]]:
    return {
        "vectors": canaries.vectors,
        "sealed photos": canaries.photos,
        "sealed salts": canaries.salts,
        "keys": canaries.keys,
        "in the clear": canaries.in_the_clear,
    }


def plant(each: int) -> Canaries:
    canaries = Canaries()
    for image_id, vector in service.plant_canaries(each).items():
        canaries.images.append(image_id)
        canaries.vectors.append(vector)
    for _ in range(each):
        canaries.key_ids.append(plant_key(canaries))
    with connection.cursor() as cursor, transaction.atomic():
        for key_id in canaries.key_ids:
            plant_sealed(canaries, key_id)
        cursor.execute("SELECT pg_current_xact_id()")  # a transaction that wrote is in the log, rolled back or not
        transaction.set_rollback(True)
    return canaries


def plant_key(canaries: Canaries) -> UUID:
    key_id = uuid4()
    keys.create(key_id)
    canaries.keys.append(keys.read(key_id))
    return key_id


def plant_sealed(canaries: Canaries, key_id: UUID) -> None:
    case = Case.objects.create(reference=secrets.token_hex(4), key_id=key_id, language="en", opened_at=clock.now())
    photo = secrets.token_bytes(PHOTO_BYTES)
    kept = personal.keep_photo(case, Selfie(photo, NO_PROBES, NO_PROBES, flaw=None, pack=""))
    canaries.photos.append(bytes(kept.sealed))
    leaf = leaves.append(leaves.Kind.OPENED, key_id=key_id, commitment={"case": str(case.code)})
    canaries.salts.append(bytes(leaf.opening.sealed))
    canaries.in_the_clear += [photo, leaves.open_leaf(leaf).salt]


def destroy(canaries: Canaries) -> None:
    for store in (Store.DERIVED, Store.IMAGES, Store.INDEX):
        service.erase_many(canaries.images, store)
    for key_id in canaries.key_ids:
        keys.destroy(key_id)


def look(canaries: Canaries, also: Sequence[Path]) -> tuple[set[bytes], str]:
    """Which canaries lie somewhere, and what could not be looked into."""
    everything = [needle for needles in by_kind(canaries).values() for needle in needles]
    needles = disk_scan.Needles(everything)
    for file in disk_scan.local_files([Path(settings.KEY_STORE), Path(settings.BROKER_FOLDER), *also]):
        needles.look_through(disk_scan.local_file(file))
    unseen = ""
    try:
        for path in disk_scan.server_files():
            needles.look_through(disk_scan.server_file(path))
    except disk_scan.Unreadable:
        unseen = "The server does not let its files be read: its tables and its log were not seen."
    finally:
        owner.connection().close()
    return {everything[number] for number in needles.found}, unseen


@contextmanager
def reader() -> Iterator[list[float]]:
    """Somebody who reads the index all the time, in a session of their own; how long each reading took, in seconds."""
    waits: list[float] = []
    stop = threading.Event()
    session = connection.copy()
    session.inc_thread_sharing()

    def read() -> None:
        with session.cursor() as cursor:
            while not stop.is_set():
                begun = time.monotonic()
                cursor.execute("SELECT id FROM matching_face WHERE id = 0")  # takes the lock of every partition
                waits.append(time.monotonic() - begun)
                time.sleep(PAUSE)
        session.close()

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield waits
    finally:
        stop.set()
        thread.join()
