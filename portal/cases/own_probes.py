"""The probes of a case, always of the pack in use: embeddings of two packs are never compared."""

from django.db import transaction

from matching import service
from matching.errors import PhotoRejected
from matching.types import Embeddings, Selfie
from portal.cases import personal
from portal.cases.models import Case, Photo


def of(case: Case, *, pack: str) -> Embeddings:
    """(n, dim) of this pack, computed anew from the photos if they were read with another pack.

    Empty if there are none, or if this pack finds a face in none of the photos.
    """
    if case.probes.exclude(pack=pack).exists():
        _read_again(case, pack)
    return personal.probes(case, pack=pack)


def _read_again(case: Case, pack: str) -> None:
    read = {photo.pk: selfie for photo in case.photos.all() if (selfie := _selfie(photo)) is not None}
    if not read:
        return
    with transaction.atomic():
        # Reading took a while, so photos that were forgotten meanwhile are left out.
        photos = list(Photo.objects.select_for_update().filter(case=case))
        case.probes.exclude(pack=pack).delete()
        for photo in photos:
            if photo.pk in read:
                personal.keep_probes(photo, read[photo.pk])


def _selfie(photo: Photo) -> Selfie | None:
    try:
        return service.read_selfie(personal.opened(photo))
    except PhotoRejected:
        return None
