"""What is personal in a case, sealed on the way in and unsealed on the way out. Gone when the key is."""

import json

import numpy as np

from matching.types import Embeddings
from portal.cases.models import Case, LiveScore, Photo, Probe
from portal.core import sealed


def keep_contact(case: Case, address: str) -> None:
    case.contact_sealed = sealed.seal(case.proof_key_id, address.encode(), purpose="contact")
    case.save(update_fields=["contact_sealed"])


def contact(case: Case) -> str:
    if case.contact_sealed is None:
        return ""
    return sealed.unseal(case.proof_key_id, case.contact_sealed, purpose="contact").decode()


def keep_addresses(case: Case, addresses: list[str]) -> None:
    case.addresses_sealed = sealed.seal(case.key_id, json.dumps(addresses).encode(), purpose="addresses")
    case.save(update_fields=["addresses_sealed"])


def addresses(case: Case) -> tuple[str, ...]:
    if case.addresses_sealed is None:
        return ()
    return tuple(json.loads(sealed.unseal(case.key_id, case.addresses_sealed, purpose="addresses")))


def keep_photo(case: Case, jpeg: bytes, probes: Embeddings, *, pack: str) -> None:
    """Replace photo and probes. The upload itself is not kept: only its upright, re-encoded copy without metadata."""
    Photo.objects.update_or_create(case=case, defaults={"sealed": sealed.seal(case.key_id, jpeg, purpose="photo")})
    keep_probes(case, probes, pack=pack)


def keep_probes(case: Case, probes: Embeddings, *, pack: str) -> None:
    Probe.objects.filter(case=case).delete()
    Probe.objects.bulk_create(
        Probe(case=case, pack=pack, sealed=sealed.seal(case.key_id, row.tobytes(), purpose="probe")) for row in probes
    )


def photo(case: Case) -> bytes | None:
    kept = Photo.objects.filter(case=case).first()
    return None if kept is None else sealed.unseal(case.key_id, kept.sealed, purpose="photo")


def probes(case: Case) -> Embeddings:
    """float32, shape (n, pack.dim), unit rows; (0, 0) when there are none."""
    rows = [
        np.frombuffer(sealed.unseal(case.key_id, probe.sealed, purpose="probe"), dtype=np.float32)
        for probe in case.probes.order_by("pk")
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
