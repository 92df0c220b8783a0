"""The way out for somebody wrongly kept out: photos of one address come in, decided by two people."""

from django.db import transaction

from matching import service
from portal.accounts.models import User
from portal.audit import append
from portal.audit.tags import Tag
from portal.blocks.models import Exemption, ExemptionState, Ground
from portal.core import clock
from portal.core.faults import NotAllowed, Stale


@transaction.atomic
def propose(address: str, ground: Ground, *, by: User) -> Exemption:
    proposed = Exemption.objects.create(address=address, ground=ground, made_by=by, made_at=clock.now())
    append.append(Tag.EXEMPTION_PROPOSED, about=proposed.pk, actor=by.pk, ground=str(ground))
    return proposed


@transaction.atomic
def confirm(exemption: Exemption, *, by: User) -> None:
    """Errors: NotAllowed for the proposer, Stale."""
    if exemption.made_by_id == by.pk:
        raise NotAllowed
    _move(exemption, ExemptionState.PROPOSED, ExemptionState.IN_FORCE, by=by)
    service.exempt(exemption.address)
    append.append(Tag.EXEMPTION_CONFIRMED, about=exemption.pk, actor=by.pk)


@transaction.atomic
def decline(exemption: Exemption, *, by: User) -> None:
    """By a colleague, or by the proposer who takes it back. Errors: Stale."""
    _move(exemption, ExemptionState.PROPOSED, ExemptionState.DECLINED, by=by)
    _forget_address(exemption)
    append.append(Tag.EXEMPTION_DECLINED, about=exemption.pk, actor=by.pk)


@transaction.atomic
def end(exemption: Exemption, *, by: User) -> None:
    """By one person: it makes nobody less protected. Errors: Stale."""
    _move(exemption, ExemptionState.IN_FORCE, ExemptionState.ENDED, by=by)
    same = Exemption.objects.filter(state=ExemptionState.IN_FORCE, address=exemption.address)
    if not same.exists():
        service.end_exemption(exemption.address)
    _forget_address(exemption)
    append.append(Tag.EXEMPTION_ENDED, about=exemption.pk, actor=by.pk)


def _move(exemption: Exemption, was: ExemptionState, to: ExemptionState, *, by: User) -> None:
    changed = Exemption.objects.filter(pk=exemption.pk, state=was).update(
        state=to, decided_by=by, decided_at=clock.now()
    )
    if not changed:
        raise Stale


def _forget_address(exemption: Exemption) -> None:
    Exemption.objects.filter(pk=exemption.pk).update(address="")
