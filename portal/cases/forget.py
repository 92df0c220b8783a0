"""Destroying what a case no longer needs, as soon as it no longer needs it."""

from django.db import transaction

from portal.audit import append
from portal.audit.tags import Tag
from portal.blocks import choices
from portal.cases.models import Case, Code, Match, Photo, Probe, Search, Unlock
from portal.core import keys
from portal.ledger import leaves


def photo(case: Case) -> None:
    if Photo.objects.filter(case=case).delete()[0]:
        append.append(Tag.PHOTO_DESTROYED, about=case.code)
        # The instance may have the photo at hand still.
        case.refresh_from_db()


def probes(case: Case) -> None:
    if Probe.objects.filter(case=case).delete()[0]:
        append.append(Tag.PROBES_DESTROYED, about=case.code)


def addresses(case: Case) -> None:
    case.addresses_sealed = None
    case.save(update_fields=["addresses_sealed"])


@transaction.atomic
def everything(case: Case) -> None:
    """Drop every row that belongs to the person; the case itself stays, with nothing personal in it."""
    photo(case)
    probes(case)
    for kept in (Code, Unlock, Match, Search):
        kept.objects.filter(case=case).delete()
    choices.forget(case.code)
    leaves.forget(case.key_id)
    Case.objects.filter(pk=case.pk).update(contact_sealed=None, addresses_sealed=None)
    append.append(Tag.CASE_FORGOTTEN, about=case.code)


def key(case: Case) -> None:
    """Destroy the case's key; what was sealed under it is gone in every file and backup. Safe to repeat."""
    if keys.exists(case.key_id):
        keys.destroy(case.key_id)
        append.append(Tag.KEY_DESTROYED, about=case.code)
