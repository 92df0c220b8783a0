"""Addresses from which nothing enters again. A digest of the address is kept, so the list names no page by itself."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from matching import journal
from matching.models import RefusedAddress, RefusedList
from matching.types import EARLIER, TODAY, ReplayOutcome, Spelling

NOTE = "addresses"
LOCK = 0x72656675  # one writer at a time, so that positions have no gaps and appear in order

OF_IMAGES = """
SELECT CASE WHEN address_digest = page_digest THEN %(today)s ELSE address_form END, address_digest
FROM matching_harvestedimage WHERE id = ANY(%(images)s)
UNION
SELECT %(today)s, page_digest FROM matching_harvestedimage WHERE id = ANY(%(images)s)
"""
ADD = """
INSERT INTO matching_refusedaddress (position, form, digest, added_on)
SELECT (SELECT coalesce(max(position), 0) FROM matching_refusedaddress) + row_number() OVER (ORDER BY place),
    form, digest, current_date
FROM unnest(%b::smallint[], %b::bytea[]) WITH ORDINALITY AS named (form, digest, place)
WHERE NOT EXISTS (SELECT FROM matching_refusedaddress known WHERE known.digest = named.digest)
RETURNING form, digest
"""
LISTED = """
SELECT known.form, known.digest
FROM unnest(%b::smallint[], %b::bytea[]) AS asked (form, digest)
JOIN matching_refusedaddress known USING (form, digest)
"""

MISSING = """
SELECT i.id
FROM matching_harvestedimage i
WHERE i.id = ANY(%s) AND (
    NOT EXISTS (SELECT FROM matching_refusedaddress a WHERE a.digest = i.address_digest)
    OR NOT EXISTS (SELECT FROM matching_refusedaddress a WHERE a.digest = i.page_digest)
)
"""


def refuse(image_ids: Sequence[UUID]) -> int:
    """List the addresses of these images and of their pages. Idempotent; returns how many were new."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute(OF_IMAGES, {"images": list(image_ids), "today": TODAY})
        new = _add(sorted(_read(cursor)))
        if new:
            journal.note(NOTE, uuid4(), ",".join(f"{form}:{digest.hex()}" for form, digest in new))
    return len(new)


@transaction.atomic
def replay_note(_subject: UUID, said: str) -> ReplayOutcome:
    """In the order in which they were listed, but not always at the positions: the list is another one then."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    if not _add([_spelling(entry) for entry in said.split(",")]):
        return ReplayOutcome.ALREADY_DONE
    begin_anew()
    return ReplayOutcome.DONE


def _spelling(entry: str) -> Spelling:
    """An entry without a form was noted when there was but one."""
    form, _colon, digest = entry.rpartition(":")
    return int(form or EARLIER), bytes.fromhex(digest)


def edition() -> UUID:
    return RefusedList.objects.get_or_create(id=1)[0].edition


def begin_anew() -> None:
    """Whoever has read the list reads it again: at positions they know something else may stand now."""
    RefusedList.objects.update_or_create(id=1, defaults={"edition": uuid4()})


def _add(spellings: Sequence[Spelling]) -> list[Spelling]:
    """Those of them that were not listed yet, in the order of their positions."""
    with connection.cursor() as cursor:
        cursor.execute(ADD, _columns(spellings))
        added = frozenset(_read(cursor))
    return [spelling for spelling in spellings if spelling in added]


def _columns(spellings: Iterable[Spelling]) -> list[list[Any]]:
    pairs = list(spellings)
    return [[form for form, _digest in pairs], [digest for _form, digest in pairs]]


def _read(cursor: CursorWrapper) -> Iterator[Spelling]:
    return ((form, bytes(digest)) for form, digest in cursor.fetchall())


def missing(image_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of the images, as far as the index still knows where they came from, whose addresses are not all listed."""
    with connection.cursor() as cursor:
        cursor.execute(MISSING, [list(image_ids)])
        return frozenset(row[0] for row in cursor.fetchall())


def listed(spellings: Iterable[Spelling]) -> frozenset[Spelling]:
    """Those from which nothing may enter."""
    with connection.cursor() as cursor:
        cursor.execute(LISTED, _columns(spellings))
        return frozenset(_read(cursor))


def after(position: int, most: int) -> list[bytes]:
    rows = RefusedAddress.objects.filter(position__gt=position).order_by("position")
    return list(map(bytes, rows.values_list("digest", flat=True)[:most]))


def size() -> int:
    newest = RefusedAddress.objects.order_by("-position").values_list("position", flat=True).first()
    return newest or 0
