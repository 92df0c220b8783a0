"""What is personal in a case, sealed on the way in and unsealed on the way out. Gone when the key is."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, timedelta
from uuid import UUID, uuid5

import numpy as np

from matching.types import Embeddings, Selfie
from portal.cases.models import Case, LiveScore, Match, Photo, Probe, ProbeKind
from portal.core import clock, keys, sealed

_UNCONFIRMED = UUID("5f0c1f5e-6f0b-4d3e-9a53-0d0f7c6f5b11")
DAYS_LOOKED_BACK = 30


def _key_of_day(day: date) -> UUID:
    """Of the addresses that nobody has confirmed yet: one key for all drafts of a day, or each first page made one."""
    return uuid5(_UNCONFIRMED, day.isoformat())


def _contact_key(case: Case) -> UUID:
    return case.proof_key_id if case.has_keys else _key_of_day(case.opened_at.astimezone(UTC).date())


def forget_days() -> None:
    """Destroy the keys of days whose drafts are all over. Safe to repeat."""
    today = clock.now().astimezone(UTC).date()
    for back in range(2, DAYS_LOOKED_BACK):
        keys.destroy(_key_of_day(today - timedelta(days=back)))


def keep_contact(case: Case, address: str) -> None:
    key_id = _contact_key(case)
    if not case.has_keys and not keys.exists(key_id):
        with suppress(FileExistsError):  # another visitor was quicker
            keys.create(key_id)
    case.contact_sealed = sealed.seal(key_id, address.encode(), purpose="contact")
    case.save(update_fields=["contact_sealed"])


def contact(case: Case) -> str:
    if case.contact_sealed is None:
        return ""
    return sealed.unseal(_contact_key(case), case.contact_sealed, purpose="contact").decode()


def keep_addresses(case: Case, addresses: list[str]) -> None:
    case.addresses_sealed = sealed.seal(case.key_id, json.dumps(addresses).encode(), purpose="addresses")
    case.save(update_fields=["addresses_sealed"])


def addresses(case: Case) -> tuple[str, ...]:
    if case.addresses_sealed is None:
        return ()
    return tuple(json.loads(sealed.unseal(case.key_id, case.addresses_sealed, purpose="addresses")))


def keep_photo(case: Case, selfie: Selfie, *, digest: bytes | None = None) -> Photo:
    """Add a photo with its probes. The upload itself is not kept: only its upright, re-encoded copy, and its digest."""
    sealed_photo = sealed.seal(case.key_id, selfie.jpeg, purpose="photo")
    last = case.photos.last()
    number = 1 if last is None else last.number + 1
    photo = Photo.objects.create(case=case, number=number, sealed=sealed_photo, flaw=selfie.flaw or "")
    if digest is not None:
        photo.digest_sealed = sealed.seal(case.key_id, digest, purpose="digest")
        photo.save(update_fields=["digest_sealed"])
    keep_probes(photo, selfie)
    return photo


def keep_probes(photo: Photo, selfie: Selfie) -> None:
    """Replace the probes of a photo with those of the selfie that was read from it."""
    photo.probes.all().delete()
    for kind, rows in ((ProbeKind.OWN, selfie.probes), (ProbeKind.MIRRORED, selfie.mirrored)):
        Probe.objects.bulk_create(_probe(photo.case, kind, row, pack=selfie.pack, photo=photo) for row in rows)


def keep_confirmed(case: Case, found: Mapping[Match, Embeddings], *, pack: str) -> None:
    """The faces of matches that were decided to be the subject's, before they leave the index. Rows are (dim,)."""
    kind = ProbeKind.CONFIRMED
    Probe.objects.bulk_create(_probe(case, kind, row, pack=pack, match=match) for match, row in found.items())


def _probe(
    case: Case, kind: ProbeKind, row: Embeddings, *, pack: str, photo: Photo | None = None, match: Match | None = None
) -> Probe:
    sealed_row = sealed.seal(case.key_id, row.astype(np.float32).tobytes(), purpose="probe")
    return Probe(case=case, kind=kind, photo=photo, match=match, pack=pack, sealed=sealed_row)


def photo(case: Case, number: int | None = None) -> bytes | None:
    """The photo of this number, else the first one; None where there is none."""
    kept = photo_row(case, number)
    return None if kept is None else opened(kept)


def photo_row(case: Case, number: int | None) -> Photo | None:
    return case.photos.first() if number is None else case.photos.filter(number=number).first()


def opened(photo: Photo) -> bytes:
    return sealed.unseal(photo.case.key_id, photo.sealed, purpose="photo")


def digests(case: Case) -> list[bytes]:
    """SHA-256 of each file that was sent; of those kept since they are noted."""
    kept = case.photos.exclude(digest_sealed=None).values_list("digest_sealed", flat=True)
    return [sealed.unseal(case.key_id, digest, purpose="digest") for digest in kept if digest is not None]


def probes(case: Case, kind: ProbeKind = ProbeKind.OWN, *, pack: str = "") -> Embeddings:
    """float32, shape (n, pack.dim), unit rows, of this pack alone where one is named; (0, 0) when there are none."""
    kept = case.probes.filter(kind=kind, **({"pack": pack} if pack else {}))
    rows = [
        np.frombuffer(sealed.unseal(case.key_id, probe.sealed, purpose="probe"), dtype=np.float32)
        for probe in kept.order_by("pk")
    ]
    return np.stack(rows) if rows else np.empty((0, 0), dtype=np.float32)


def keep_live_score(case: Case, score: float | None) -> None:
    """Of the newest photo; None where the pack has none."""
    photo = Photo.objects.filter(case=case).latest("pk")
    LiveScore.objects.filter(photo=photo).delete()
    if score is not None:
        LiveScore.objects.create(photo=photo, sealed=sealed.seal(case.key_id, repr(score).encode(), purpose="live"))


def live_scores(case: Case) -> list[float]:
    """In the order the photos were given."""
    rows = LiveScore.objects.filter(photo__case=case).order_by("photo")
    return [float(sealed.unseal(case.key_id, row.sealed, purpose="live")) for row in rows]
