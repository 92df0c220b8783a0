"""The one door into the index: every image and every face comes in here, or not at all."""

import hashlib
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from uuid import UUID

from django.db import connection, transaction

from matching.blocklist import ListChanged, current_screen, open_screen
from matching.errors import HarvestRunning
from matching.index import FIELD_LENGTH, FaceRows, copy_in, days_since_2000
from matching.index import store as index
from matching.models import Intake
from matching.provenance import digest_of_address, refused_among, spellings_of_address
from matching.stores import UPRIGHT, blob_store
from matching.types import Spelling, Store

LOCK = 0x6D617463  # one harvest at a time, so that an intake row found at the start is a leftover

COPY_IMAGES = """
COPY matching_harvestedimage (id, file_digest, page, page_digest, address_digest, site, country, harvested_on,
    width, height)
FROM STDIN (FORMAT BINARY)
"""

KNOWN = """
SELECT image.file_digest, image.page_digest, image.id
FROM unnest(%b::bytea[], %b::bytea[]) AS asked (file_digest, page_digest)
JOIN matching_harvestedimage image USING (file_digest, page_digest)
"""

Key = tuple[bytes, bytes]  # an image is known by the digests of its file and of its page


@dataclass(frozen=True)
class Photo:
    content: bytes  # as harvested
    upright: bytes  # JPEG


@dataclass(frozen=True)
class Arrival:
    """An image at the door; its faces come beside it."""

    image_id: UUID
    file_digest: bytes  # SHA-256 of the bytes as harvested
    page: str
    site: str
    harvested_on: date
    country: str = ""
    address: str = ""  # of the image itself, where it differs from the page
    width: int = 0
    height: int = 0
    photo: Photo | None = None  # none is held of an image that came as ready embeddings

    @cached_property
    def page_digest(self) -> bytes:
        return digest_of_address(self.page)

    @property
    def address_digest(self) -> bytes:
        return digest_of_address(self.address) if self.address else self.page_digest

    @cached_property
    def spellings(self) -> frozenset[Spelling]:
        """All digests that may stand for its page or its address."""
        given = {self.page, self.address} - {""}
        return frozenset(spelling for each in given for spelling in spellings_of_address(each))

    @property
    def key(self) -> Key:
        return self.file_digest, self.page_digest


@dataclass(frozen=True)
class Admitted:
    image_ids: frozenset[UUID]
    faces: int
    already: int  # images that were here before
    refused: int  # images with a blocked face, or from an address that is refused


def admit(arrivals: Sequence[Arrival], faces: FaceRows) -> Admitted:
    """A batch, at a stroke: what is known already or blocked is left out, with all its faces.

    Blobs first, then one transaction, so that an image that can be found is whole; what that transaction cannot undo,
    blobs and the faces of an index elsewhere, has an intake row meanwhile. Only inside `one_harvest`: there the
    block list can be asked. Errors: OutsideHarvest, HarvestRefused.
    """
    while True:
        with suppress(ListChanged):
            return admit_as_listed(arrivals, faces)


def admit_as_listed(arrivals: Sequence[Arrival], faces: FaceRows) -> Admitted:
    """Errors: ListChanged, where a block was made or revoked between question and entry; nothing entered then."""
    fresh = new(arrivals)
    candidates = faces_of(fresh, arrivals, faces)
    # A photo goes whole: one face that may not enter keeps out the image and all faces in it.
    refused = current_screen().kept_out(fresh, candidates.image_ids, candidates.rows)
    refused |= from_refused_addresses(fresh)
    entering = [arrival for arrival in fresh if arrival.image_id not in refused]
    inside = frozenset(arrival.image_id for arrival in entering)
    entered = faces_of(entering, fresh, candidates)
    keep(entering, entered)
    return Admitted(inside, len(entered), already=len(arrivals) - len(fresh), refused=len(fresh) - len(entering))


def faces_of(chosen: Sequence[Arrival], among: Sequence[Arrival], faces: FaceRows) -> FaceRows:
    """Usually all were chosen; then no face is looked at."""
    return faces if len(chosen) == len(among) else faces.of({arrival.image_id for arrival in chosen})


def new(arrivals: Sequence[Arrival]) -> list[Arrival]:
    """Those not here yet, each once: the same photo of the same page may come twice in one batch."""
    there = known([arrival.key for arrival in arrivals])
    first = {arrival.key: arrival for arrival in reversed(arrivals) if arrival.key not in there}
    return [arrival for arrival in arrivals if first.get(arrival.key) is arrival]


def known(keys: Sequence[Key]) -> dict[Key, UUID]:
    """Those that are here, and as which image."""
    if not keys:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, [[key[0] for key in keys], [key[1] for key in keys]])
        return {(bytes(file), bytes(page)): image_id for file, page, image_id in cursor.fetchall()}


def from_refused_addresses(arrivals: Sequence[Arrival]) -> frozenset[UUID]:
    """Where a removed image lay, or on the page it was found on, nothing is harvested again."""
    listed = refused_among({spelling for arrival in arrivals for spelling in arrival.spellings})
    return frozenset(arrival.image_id for arrival in arrivals if not listed.isdisjoint(arrival.spellings))


def keep(arrivals: Sequence[Arrival], faces: FaceRows) -> None:
    ids = [arrival.image_id for arrival in arrivals if arrival.photo is not None or index().elsewhere]
    Intake.objects.bulk_create([Intake(image_id=image_id) for image_id in ids])
    try:
        for arrival in arrivals:
            if arrival.photo is not None:
                blob_store().write_image(arrival.image_id, arrival.photo.content)
                blob_store().write_derived(arrival.image_id, UPRIGHT, arrival.photo.upright)
        add_rows(arrivals, faces, settled=ids)
    except BaseException:
        # Ctrl-C may come when all is stored already; then the transaction has taken their intake rows away.
        clear(list(Intake.objects.filter(image_id__in=ids).values_list("image_id", flat=True)))
        raise


# A batch whose commit goes down with the power is a batch that never came in: the next run brings it, and clears what
# its intake rows name. So none waits for the disk; the harvest does, at its end.
NOT_WAITING = "SET LOCAL synchronous_commit = off"
ON_DISK = "SELECT pg_logical_emit_message(true, 'harvest', '')"  # its commit waits for all before it


@transaction.atomic
def add_rows(arrivals: Sequence[Arrival], faces: FaceRows, *, settled: Sequence[UUID]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(NOT_WAITING)
    current_screen().record()
    copy_in(COPY_IMAGES, map(image_row, arrivals))
    index().add(faces)
    Intake.objects.filter(image_id__in=settled).delete()


# What stands between the three texts of a row: its number of fields, then lengths and values.
BEFORE_PAGE = struct.Struct(">hi16si32si")
BEFORE_SITE = struct.Struct(">i32si32si")
AFTER_COUNTRY = struct.Struct(">iiiiii")


def image_row(image: Arrival) -> bytes:
    page, site, country = image.page.encode(), image.site.encode(), image.country.encode()
    day = days_since_2000(image.harvested_on)
    return b"".join(
        (
            BEFORE_PAGE.pack(10, 16, image.image_id.bytes, 32, image.file_digest, len(page)),
            page,
            BEFORE_SITE.pack(32, image.page_digest, 32, image.address_digest, len(site)),
            site,
            FIELD_LENGTH.pack(len(country)),
            country,
            AFTER_COUNTRY.pack(4, day, 4, image.width, 4, image.height),
        )
    )


def digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def clear_leftovers() -> None:
    clear(list(Intake.objects.values_list("image_id", flat=True)))


def clear(image_ids: Sequence[UUID]) -> None:
    """Of images that never came in whole: no row can name these blobs and faces, so they go."""
    if not image_ids:
        return
    index().remove(image_ids)
    for store in (Store.IMAGES, Store.DERIVED):
        blob_store().remove(image_ids, store)
    Intake.objects.filter(image_id__in=image_ids).delete()


@contextmanager
def one_harvest() -> Iterator[None]:
    """Inside this context the block list answers and no other harvest runs. Errors: HarvestRunning."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            raise HarvestRunning("Another harvest of this index is running.")
    try:
        with open_screen():
            yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(ON_DISK)
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
