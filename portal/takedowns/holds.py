"""Legal holds: hidden at once, kept, shown to two people alone, deleted after release (DESIGN.md, States)."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from matching import service
from matching.types import BroughtBack
from portal.accounts import lost
from portal.accounts.models import User
from portal.audit import append
from portal.audit.tags import Tag
from portal.core import clock
from portal.jobs import queue
from portal.policies import preservation
from portal.takedowns import moves, removals
from portal.takedowns.models import HeldImage, Hold, HoldReason, ReleasedBecause, Takedown
from portal.takedowns.states import HOLD_MOVES, HOLDING, HoldState, RemovalState, TakedownState

# Any number; every process takes the same.
_STEPS = 0x686F6C64
NOTE = "hold"
_ACCOUNTS = ("proposed_by", "confirmed_by", "release_by")
_KEPT = ("reason", "state", "proposed_at", "released_because", "reported_under", "reported_on", "keep_until")
_STOPPABLE = (TakedownState.QUEUED, TakedownState.HIDDEN, TakedownState.REMOVING, TakedownState.STUCK)
_GONE = (TakedownState.RESTORED, TakedownState.REMOVED, TakedownState.PURGED)


class NotAllowed(Exception):
    """Not by this person, not in this state, or not before the law lets it go."""


@contextmanager
def no_hold_meanwhile() -> Iterator[None]:
    """One store's turn: a hold placed meanwhile waits for its end, and what is then held has no further turn."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock_shared(%s)", [_STEPS])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_shared(%s)", [_STEPS])


def held(image_ids: Iterable[UUID]) -> frozenset[UUID]:
    rows = HeldImage.objects.filter(image_id__in=list(image_ids), hold__state__in=HOLDING)
    return frozenset(rows.values_list("image_id", flat=True))


def hidden_from(by: User, image_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Those of the images that are held and not by this person."""
    rows = HeldImage.objects.filter(image_id__in=list(image_ids), hold__state__in=HOLDING).select_related("hold")
    return frozenset(row.image_id for row in rows if not is_holder(row.hold, by))


def is_holder(hold: Hold, by: User) -> bool:
    return by.pk in (hold.proposed_by_id, hold.confirmed_by_id)


@transaction.atomic
def propose(image_ids: Sequence[UUID], reason: HoldReason, *, by: User) -> Hold:
    """Stop and hide these images now; a second person says whether it stays so. What is gone cannot be held."""
    _stop_all_steps()
    removals.stop_opening()
    hold = Hold.objects.create(reason=reason, proposed_by=by, proposed_at=clock.now())
    images = [image_id for image_id in dict.fromkeys(image_ids) if image_id in service.marks([image_id])]
    if not images:
        raise NotAllowed("nothing of it is left")
    HeldImage.objects.bulk_create(HeldImage(hold=hold, image_id=image_id) for image_id in images)
    _stop(hold, images, by=by)
    service.hide(images)
    append.append(
        Tag.HOLD_PROPOSED, about=hold.pk, actor=by.pk, reason=reason.value, images=[str(image) for image in images]
    )
    _note(hold)
    return hold


def _stop(hold: Hold, images: Sequence[UUID], *, by: User | None) -> None:
    known = set(
        Takedown.objects.filter(image_id__in=images).exclude(state__in=_GONE).values_list("image_id", flat=True)
    )
    # Deleted after release, so what nobody had decided to delete yet gets a removal of its own.
    if orphans := [image_id for image_id in images if image_id not in known]:
        removals.open_removal(hold.pk, orphans, then="hold.over", at_last="hold.over")
    stopping = Takedown.objects.filter(image_id__in=images, state__in=_STOPPABLE)
    moves.move_takedowns(list(stopping), TakedownState.HELD, by=by.pk if by else None)


@transaction.atomic
def confirm(hold: Hold, *, by: User) -> None:
    """Errors: NotAllowed for whoever proposed it."""
    hold = _locked(hold, HoldState.PROPOSED)
    if by.pk == hold.proposed_by_id:
        raise NotAllowed("a second person confirms")
    hold.confirmed_by = by
    _move(hold, HoldState.PLACED, by=by)


@transaction.atomic
def decline(hold: Hold, *, by: User) -> None:
    """What was stopped goes on. Errors: NotAllowed for whoever proposed it."""
    hold = _locked(hold, HoldState.PROPOSED)
    if by.pk == hold.proposed_by_id:
        raise NotAllowed("a second person declines")
    _move(hold, HoldState.DECLINED, by=by)
    _let_go(hold, by=by)


@transaction.atomic
def record_report(hold: Hold, *, under: str, reported_on: date, by: User) -> None:
    """That it was reported, and until when it must be kept for that."""
    hold = _locked(hold, HoldState.PROPOSED, HoldState.PLACED)
    if not is_holder(hold, by) or reported_on > clock.today():
        raise NotAllowed
    duty = preservation.ALL[under]
    kept = duty.keep_until(reported_on)
    hold.reported_under, hold.reported_on = duty.code, reported_on
    # Reported twice, under two laws: the longer of the two holds.
    hold.keep_until = max(kept, hold.keep_until) if hold.keep_until else kept
    hold.save(update_fields=["reported_under", "reported_on", "keep_until"])
    _note(hold)
    append.append(Tag.HOLD_REPORTED, about=hold.pk, actor=by.pk, under=under, on=reported_on.isoformat())


@transaction.atomic
def propose_release(hold: Hold, because: ReleasedBecause, *, by: User) -> None:
    """Errors: NotAllowed for anyone but the two, and before the law lets it go."""
    hold = _locked(hold, HoldState.PLACED)
    if not is_holder(hold, by) or not _may_end(hold, because):
        raise NotAllowed
    hold.release_by, hold.released_because = by, because
    _move(hold, HoldState.RELEASING, by=by)


def _may_end(hold: Hold, because: ReleasedBecause) -> bool:
    if hold.reason != HoldReason.CHILD_ABUSE or because == ReleasedBecause.MISTAKEN:
        return True
    return hold.keep_until is not None and clock.today() > hold.keep_until


@transaction.atomic
def confirm_release(hold: Hold, *, by: User) -> None:
    """The other of the two agrees: deletion goes on. Errors: NotAllowed."""
    hold = _locked(hold, HoldState.RELEASING)
    if not is_holder(hold, by) or by.pk == hold.release_by_id:
        raise NotAllowed
    _move(hold, HoldState.RELEASED, by=by)
    _let_go(hold, by=by)


@transaction.atomic
def decline_release(hold: Hold, *, by: User) -> None:
    hold = _locked(hold, HoldState.RELEASING)
    if not is_holder(hold, by):
        raise NotAllowed
    hold.release_by, hold.released_because = None, ""
    _move(hold, HoldState.PLACED, by=by)


def _let_go(hold: Hold, *, by: User | None) -> None:
    """Hidden and cooled down already: deletion goes on at once, unless another hold keeps the image."""
    images = set(hold.images.values_list("image_id", flat=True))
    free = images - held(images)
    takedowns = Takedown.objects.filter(image_id__in=free, state=TakedownState.HELD).select_related("removal")
    actor = by.pk if by else None
    moved = moves.move_takedowns(list(takedowns), TakedownState.HIDDEN, by=actor, cools_until=clock.now())
    for removal in {takedown.removal for takedown in moved}:
        kind = "removal.hide" if removal.state == RemovalState.QUEUED else "removal.remove"
        queue.enqueue(kind, removal.pk)


def over(_hold_id: str) -> None:
    """What a hold's own removal reports to: nobody waits for it."""


def of_lost_accounts() -> int:
    """Holds in force that nobody can release, since an account that a restored backup does not know holds them."""
    lost_ones = Q(proposed_by__name__endswith=lost.ENDING) | Q(confirmed_by__name__endswith=lost.ENDING)
    return Hold.objects.filter(lost_ones, state__in=HOLDING).count()


def _move(hold: Hold, to: HoldState, *, by: User) -> None:
    if to not in HOLD_MOVES[hold.state]:
        raise NotAllowed(f"{hold.state} → {to}")
    was, hold.state = hold.state, to
    hold.save()
    append.append(Tag.HOLD_MOVED, about=hold.pk, actor=by.pk, was=was, to=to.value)
    _note(hold)


def _note(hold: Hold) -> None:
    """For a database restored from before: ids, states and dates; what is held must not be deleted by it."""
    service.journal(NOTE, hold.pk, _said(hold))


def _said(hold: Hold) -> str:
    accounts = {name: lost.sign_of(getattr(hold, name)) for name in _ACCOUNTS}
    images = sorted(str(image) for image in hold.images.values_list("image_id", flat=True))
    kept: dict[str, Any] = {name: getattr(hold, name) for name in _KEPT}
    return json.dumps({**kept, **accounts, "images": images}, default=str, separators=(",", ":"))


@transaction.atomic
def bring_back(hold_id: UUID, said: str) -> BroughtBack:
    """As the journal tells it, in a database that has forgotten it: what it keeps is stopped, or what it let go, goes.

    Its images are hidden by their own tombstones.
    """
    _stop_all_steps()
    removals.stop_opening()
    there = Hold.objects.filter(pk=hold_id).first()
    if there is not None and _said(there) == said:
        return BroughtBack.BEFORE
    told = json.loads(said)
    images = [UUID(image) for image in told.pop("images")]
    accounts = {name: lost.account(told.pop(name)) for name in _ACCOUNTS}
    hold, _new = Hold.objects.update_or_create(pk=hold_id, defaults={**told, **accounts})
    HeldImage.objects.bulk_create((HeldImage(hold=hold, image_id=image) for image in images), ignore_conflicts=True)
    left = service.marks(images)
    _stop(hold, [image for image in images if image in left], by=None)
    if hold.state not in HOLDING:
        _let_go(hold, by=None)
    append.append(Tag.HOLD_BROUGHT_BACK, about=hold.pk, state=str(hold.state))
    return BroughtBack.NOW


def _locked(hold: Hold, *states: HoldState) -> Hold:
    found = Hold.objects.select_for_update().get(pk=hold.pk)
    if found.state not in states:
        raise NotAllowed(found.state)
    return found


def _stop_all_steps() -> None:
    """Until the transaction ends, no store is asked to remove anything; first the turns that are under way end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_STEPS])
