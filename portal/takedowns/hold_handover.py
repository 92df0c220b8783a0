"""Handing over the place of one of the two people of a legal hold, so that it can be released when they have left.

Two people agree to it as to the hold itself: whoever stays proposes, the successor accepts; and the one whose place it
is can decline as long as they are there. Where both have left, any two of staff do it, one place after the other.
"""

from django.db import transaction

from portal.accounts.models import User
from portal.audit import append
from portal.audit.tags import Tag
from portal.core.faults import NotAllowed
from portal.takedowns import holds
from portal.takedowns.models import Hold
from portal.takedowns.states import HoldState


def place_open_to(hold: Hold, by: User) -> User | None:
    """Whose place this person may propose to hand over."""
    first, second = hold.proposed_by, hold.confirmed_by
    if second is None or hold.state not in (HoldState.PLACED, HoldState.RELEASING) or not by.is_reviewer:
        return None
    if holds.is_holder(hold, by):
        return second if by.pk == first.pk else first
    return first if is_orphan(hold) else None


def is_orphan(hold: Hold) -> bool:
    """Whether nobody is left who could release it."""
    return hold.confirmed_by is not None and not hold.proposed_by.is_reviewer and not hold.confirmed_by.is_reviewer


@transaction.atomic
def hand_over(hold: Hold, *, from_: User, to: User, by: User) -> None:
    """Propose that `to` takes the place of `from_`. Errors: NotAllowed."""
    hold = _locked(hold)
    open_ = place_open_to(hold, by)
    # Of an orphan's two places either may go first.
    allowed = open_ == from_ or (open_ is not None and is_orphan(hold) and holds.is_holder(hold, from_))
    if not allowed or not to.is_reviewer or holds.is_holder(hold, to) or to.pk == by.pk or hold.handed_to_id:
        raise NotAllowed
    _propose(hold, from_=from_, to=to, by=by)
    append.append(Tag.HOLD_HANDOVER_PROPOSED, about=hold.pk, actor=by.pk, was=from_.pk, to=to.pk)


@transaction.atomic
def accept(hold: Hold, *, by: User) -> None:
    """From now on one of the two, who sees what is held; a release that waited is theirs to agree to anew."""
    hold = _locked(hold)
    was = hold.handed_from
    if was is None or hold.handed_to_id != by.pk or not by.is_reviewer:
        raise NotAllowed
    if hold.proposed_by_id == was.pk:
        hold.proposed_by = by
    else:
        hold.confirmed_by = by
    _propose(hold, from_=None, to=None, by=None)
    append.append(Tag.HOLD_HANDED_OVER, about=hold.pk, actor=by.pk, was=was.pk, to=by.pk)
    holds.note(hold)
    if hold.state == HoldState.RELEASING:
        holds.keep(hold, by=by)


def may_decline(hold: Hold, by: User) -> bool:
    """The successor, whoever proposed it, the two; and anyone of staff where those may all be gone."""
    asked = by.pk in (hold.handed_to_id, hold.handed_by_id)
    return hold.handed_to_id is not None and (asked or holds.is_holder(hold, by) or is_orphan(hold))


@transaction.atomic
def decline(hold: Hold, *, by: User) -> None:
    hold = _locked(hold)
    if not may_decline(hold, by):
        raise NotAllowed
    _propose(hold, from_=None, to=None, by=None)
    append.append(Tag.HOLD_HANDOVER_DECLINED, about=hold.pk, actor=by.pk)


def _propose(hold: Hold, *, from_: User | None, to: User | None, by: User | None) -> None:
    hold.handed_from, hold.handed_to, hold.handed_by = from_, to, by
    hold.save()


def _locked(hold: Hold) -> Hold:
    found = Hold.objects.select_for_update().get(pk=hold.pk)
    if found.state not in (HoldState.PLACED, HoldState.RELEASING):
        raise NotAllowed(found.state)
    return found
