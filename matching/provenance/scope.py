"""Harvested images by where and when they were found, and by what others know them."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID, uuid4

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import ExtractYear

from matching.models import HarvestedImage
from matching.provenance.earlier_addresses import spellings
from matching.types import EARLIER, TODAY, Breakdown, ImageIdentifiers, Provenance, Scope

SHOWN = 12  # lines of each part of a breakdown


def images_at(addresses_given: Sequence[str]) -> tuple[UUID, ...]:
    """Images found on one of these pages, or lying at one of these addresses themselves."""
    given = {spelling for address in addresses_given if address.strip() for spelling in spellings(address)}
    now = [digest for form, digest in given if form == TODAY]
    earlier = [digest for form, digest in given if form == EARLIER]
    there = Q(page_digest__in=now) | Q(address_digest__in=now, address_form=TODAY)
    # Of an address that is not the page's own the index may know an earlier digest alone.
    there |= Q(address_digest__in=earlier, address_form=EARLIER) & ~Q(address_digest=F("page_digest"))
    return tuple(HarvestedImage.objects.filter(there).order_by("id").values_list("id", flat=True))


def select(scope: Scope, *, after: UUID, most: int) -> list[UUID]:
    """The next images of a scope in the order of their ids, hidden ones too; begin after UUID(int=0)."""
    return list(_in(scope).filter(id__gt=after).order_by("id").values_list("id", flat=True)[:most])


def within(scope: Scope, image_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Those of the images that are of the scope."""
    return frozenset(_in(scope).filter(id__in=list(image_ids)).values_list("id", flat=True))


def draw(scope: Scope, images: int) -> list[UUID]:
    """Some of the scope, drawn at random; ids are random, so what follows a random place among them is too."""
    drawn: dict[UUID, None] = {}
    for _ in range(images):
        following = _in(scope).exclude(id__in=drawn).order_by("id").values_list("id", flat=True)
        found = following.filter(id__gt=uuid4()).first() or following.first()
        if found is None:
            break
        drawn[found] = None
    return list(drawn)


def breakdown(scope: Scope, image_ids: Sequence[UUID] | None) -> Breakdown:
    """How the images of a scope, or those named, spread; what is named and not in the index counts nowhere."""
    rows = _in(scope) if image_ids is None else HarvestedImage.objects.filter(id__in=image_ids)
    return Breakdown(
        images=rows.count(),
        sites=_most(rows.values_list("site")),
        countries=_most(rows.values_list("country")),
        years=_most(rows.values_list(ExtractYear("harvested_on"))),
    )


def _most(rows: "QuerySet[HarvestedImage, tuple[Any, ...]]") -> tuple[tuple[str, int], ...]:
    counted = rows.annotate(images=Count("pk")).order_by("-images")
    return tuple((str(value), images) for value, images in counted[:SHOWN])


def has_file(digests: Sequence[bytes]) -> bool:
    return HarvestedImage.objects.filter(file_digest__in=digests).exists()


def count(scope: Scope) -> int:
    return _in(scope).count()


def _in(scope: Scope) -> QuerySet[HarvestedImage]:
    bounds = {
        "site": scope.site,
        "country": scope.country,
        "harvested_on__gte": scope.harvested_from,
        "harvested_on__lte": scope.harvested_until,
    }
    return HarvestedImage.objects.filter(**{name: bound for name, bound in bounds.items() if bound})


def provenance_of(image_ids: Iterable[UUID]) -> dict[UUID, Provenance]:
    rows = HarvestedImage.objects.filter(id__in=list(image_ids))
    return {row.id: Provenance(row.id, row.page, row.site, row.harvested_on, row.country) for row in rows}


def identifiers_of(image_ids: Iterable[UUID]) -> dict[UUID, ImageIdentifiers]:
    """By what others know these images; of those still in the index."""
    rows = HarvestedImage.objects.filter(id__in=list(image_ids))
    return {
        row.id: ImageIdentifiers(
            row.id, row.page, bytes(row.file_digest), bytes(row.page_digest), bytes(row.address_digest)
        )
        for row in rows
    }


def file_digests(image_ids: Iterable[UUID]) -> dict[UUID, bytes]:
    """SHA-256 of each photo as it was harvested."""
    found = HarvestedImage.objects.filter(id__in=list(image_ids)).values_list("id", "file_digest")
    return {image_id: bytes(digest) for image_id, digest in found}
