"""Destroying what a case no longer needs, as soon as it no longer needs it."""

from django.db import transaction

from portal.audit import append
from portal.audit.tags import Tag
from portal.blocks import choices
from portal.cases.models import Case, Caution, Code, Match, Photo, Probe, Search, Unlock
from portal.core import keys
from portal.ledger import leaves


def photos(case: Case) -> None:
    if Photo.objects.filter(case=case).delete()[0]:
        append.append(Tag.PHOTO_DESTROYED, about=case.code)


def probes(case: Case) -> None:
    if Probe.objects.filter(case=case).delete()[0]:
        append.append(Tag.PROBES_DESTROYED, about=case.code)


def addresses(case: Case) -> None:
    case.addresses_sealed = None
    case.save(update_fields=["addresses_sealed"])


@transaction.atomic
def everything(case: Case) -> None:
    """Drop what the case was decided with. The mail address and what opens the leaves stay until `proof`."""
    photos(case)
    probes(case)
    for kept in (Caution, Code, Unlock, Match, Search):
        kept.objects.filter(case=case).delete()
    choices.forget(case.code)
    Case.objects.filter(pk=case.pk).update(addresses_sealed=None)
    append.append(Tag.CASE_FORGOTTEN, about=case.code)


def contact(case: Case) -> None:
    Case.objects.filter(pk=case.pk).update(contact_sealed=None)


@transaction.atomic
def proof(case: Case) -> None:
    """Drop the mail address and what opens the leaves: from now on only its holder can show the receipt."""
    contact(case)
    leaves.forget(case.proof_key_id)
    append.append(Tag.PROOF_FORGOTTEN, about=case.code)


def key(case: Case) -> None:
    """Destroy the case's key; what was sealed under it is gone in every file and backup. Safe to repeat."""
    # A case from before address and openings had a key of their own keeps it for them; `proof_key` ends it.
    if keys.exists(case.key_id) and case.key_id != case.proof_key_id:
        keys.destroy(case.key_id)
        append.append(Tag.KEY_DESTROYED, about=case.code)


def proof_key(case: Case) -> None:
    """The same for the key of address and openings. Safe to repeat."""
    if keys.exists(case.proof_key_id):
        keys.destroy(case.proof_key_id)
        append.append(Tag.PROOF_KEY_DESTROYED, about=case.code)
