"""Legal holds: hidden at once, kept, shown to two people alone, deleted after release (decision 15).

Whoever sees it first stops everything at once. What is decided then, to keep it or let it go, is decided by people who
have looked at its pictures, wholly pixelated, or at a sample of them (decision 18).
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from matching import service
from matching.types import ReplayOutcome
from portal.accounts import stand_ins
from portal.accounts.models import User
from portal.audit import append, seen
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.core import clock
from portal.core.faults import NotAllowed
from portal.notices import writing
from portal.policies import preservation
from portal.takedowns import moves, removals
from portal.takedowns.models import HeldImage, Hold, HoldReason, ReleasedBecause, Takedown
from portal.takedowns.states import HOLD_MOVES, HOLDING, HoldState, TakedownState

# Any number; every process takes the same.
_STEPS = 0x686F6C64
NOTE = "hold"
_ACCOUNTS = ("proposed_by", "confirmed_by", "release_by")
_KEPT = ("reason", "state", "proposed_at", "released_because", "reported_under", "reported_on", "keep_until")
_STOPPABLE = (TakedownState.QUEUED, TakedownState.HIDDEN, TakedownState.REMOVING, TakedownState.STUCK)
_GONE = (TakedownState.RESTORED, TakedownState.REMOVED, TakedownState.PURGED)


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


def hidden_from(by: User, image_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Those of the images that are held and not by this person."""
    rows = HeldImage.objects.filter(image_id__in=list(image_ids), hold__state__in=HOLDING).select_related("hold")
    return frozenset(row.image_id for row in rows if not is_holder(row.hold, by))


def shown_states(takedowns: Iterable[Takedown], *, by: User) -> dict[int, str]:
    """The state of each takedown as this person is told it, by its number.

    That something is held is known to those who hold it. Everyone else is told the state it was stopped in; as
    hidden, where it had not come so far, because a hold hides it as the next minute would have.
    """
    states = {takedown.pk: str(takedown.state) for takedown in takedowns}
    held = [takedown for takedown in takedowns if takedown.state == TakedownState.HELD]
    kept_from = hidden_from(by, [takedown.image_id for takedown in held])
    unseen = {(str(each.removal_id), str(each.image_id)): each.pk for each in held if each.image_id in kept_from}
    stopped = Entry.objects.filter(
        tag=Tag.TAKEDOWN_MOVED,
        about__in={removal for removal, _image in unseen},
        detail__to=TakedownState.HELD.value,
    )
    states |= dict.fromkeys(unseen.values(), TakedownState.HIDDEN.value)
    for about, image, was in stopped.order_by("pk").values_list("about", "detail__image", "detail__was"):
        if (about, image) in unseen and was != TakedownState.QUEUED:
            states[unseen[about, image]] = was
    return states


def is_holder(hold: Hold, by: User) -> bool:
    return by.pk in (hold.proposed_by_id, hold.confirmed_by_id)


def to_look_at(hold: Hold) -> list[UUID]:
    """Its images, or a sample of them that nobody chose."""
    return seen.sample(hold.pk, hold.images.values_list("image_id", flat=True))


def left_to_see(hold: Hold, by: User) -> list[str]:
    return seen.unseen(hold.pk, by=by.pk, wanted=map(_sight, to_look_at(hold)))


def require_seen(hold: Hold, by: User) -> None:
    """Errors: seen.Unseen."""
    seen.require(hold.pk, by=by.pk, wanted=map(_sight, to_look_at(hold)))


def has_looked(hold: Hold, image_ids: Iterable[UUID], *, by: User) -> None:
    """What `by` was shown of these, here or in the case that it was proposed from."""
    looks = [(hold.pk, {"saw": _sight(image_id)}) for image_id in image_ids]
    append.append_many(Tag.HELD_VIEWED, looks, actor=by.pk)


def _sight(image_id: UUID) -> str:
    return f"image {image_id}"


@transaction.atomic
def propose(image_ids: Sequence[UUID], reason: HoldReason, *, by: User) -> Hold:
    """Stop and hide these images now; a second person says whether it stays so. What is gone cannot be held."""
    _stop_all_steps()
    removals.stop_opening()
    hold = Hold.objects.create(reason=reason, proposed_by=by, proposed_at=clock.now())
    there = service.identifiers_of(image_ids)
    images = [image_id for image_id in dict.fromkeys(image_ids) if image_id in there]
    if not images:
        raise NotAllowed("nothing of it is left")
    HeldImage.objects.bulk_create(HeldImage(hold=hold, image_id=image_id) for image_id in images)
    _stop(hold, images, by=by)
    service.hide(images)
    append.append(
        Tag.HOLD_PROPOSED, about=hold.pk, actor=by.pk, reason=reason.value, images=[str(image) for image in images]
    )
    note(hold)
    return hold


def _stop(hold: Hold, images: Sequence[UUID], *, by: User | None) -> None:
    known = set(
        Takedown.objects.filter(image_id__in=images).exclude(state__in=_GONE).values_list("image_id", flat=True)
    )
    # Deleted once the hold has ended, so what nobody had decided to delete yet gets a removal of its own.
    if orphans := [image_id for image_id in images if image_id not in known]:
        removals.open_removal(hold.pk, orphans, job_when_removed="hold.over", job_when_purged="hold.over")
    stopping = Takedown.objects.filter(image_id__in=images, state__in=_STOPPABLE)
    moves.move_takedowns(list(stopping), TakedownState.HELD, by=by.pk if by else None)
    writing.withdraw(images)


@transaction.atomic
def confirm(hold: Hold, *, by: User) -> None:
    """Errors: NotAllowed for whoever proposed it, Unseen as long as one of the two has not looked."""
    hold = _locked(hold, HoldState.PROPOSED)
    if by.pk == hold.proposed_by_id:
        raise NotAllowed("a second person confirms")
    for person in (by, hold.proposed_by):
        require_seen(hold, person)
    hold.confirmed_by = by
    _move(hold, HoldState.PLACED, by=by)


@transaction.atomic
def decline(hold: Hold, *, by: User) -> None:
    """What was stopped goes on, and nothing more is deleted. Errors: NotAllowed for whoever proposed it, Unseen."""
    hold = _locked(hold, HoldState.PROPOSED)
    if by.pk == hold.proposed_by_id:
        raise NotAllowed("a second person declines")
    require_seen(hold, by)
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
    note(hold)
    append.append(Tag.HOLD_REPORTED, about=hold.pk, actor=by.pk, under=under, on=reported_on.isoformat())


@transaction.atomic
def propose_release(hold: Hold, because: ReleasedBecause, *, by: User) -> None:
    """Errors: NotAllowed for anyone but the two, and before the law lets it go; Unseen."""
    hold = _locked(hold, HoldState.PLACED)
    if not is_holder(hold, by) or not _may_end(hold, because):
        raise NotAllowed
    require_seen(hold, by)
    hold.release_by, hold.released_because = by, because
    _move(hold, HoldState.RELEASING, by=by)


def _may_end(hold: Hold, because: ReleasedBecause) -> bool:
    if hold.reason != HoldReason.CHILD_ABUSE or because == ReleasedBecause.MISTAKEN:
        return True
    return hold.keep_until is not None and clock.today() > hold.keep_until


@transaction.atomic
def confirm_release(hold: Hold, *, by: User) -> None:
    """The other of the two agrees: deleted, or where it was a mistake as it was before. Errors: NotAllowed, Unseen."""
    hold = _locked(hold, HoldState.RELEASING)
    if not is_holder(hold, by) or by.pk == hold.release_by_id:
        raise NotAllowed
    require_seen(hold, by)
    _move(hold, HoldState.RELEASED, by=by)
    _let_go(hold, by=by)


@transaction.atomic
def decline_release(hold: Hold, *, by: User) -> None:
    hold = _locked(hold, HoldState.RELEASING)
    if not is_holder(hold, by):
        raise NotAllowed
    keep(hold, by=by)


def keep(hold: Hold, *, by: User) -> None:
    """Drop a release that waits, of a hold that the caller has locked."""
    hold.release_by, hold.released_because = None, ""
    _move(hold, HoldState.PLACED, by=by)


def _let_go(hold: Hold, *, by: User | None) -> None:
    """What no other hold keeps.

    After a hold that has ended, all of it is deleted at once. One that was declined, or placed by mistake, decides
    nothing: what was decided without it keeps its cooling time, and what was not is shown again.
    """
    removals.stop_opening()
    images = set(hold.images.values_list("image_id", flat=True))
    free = images - removals.held(images)
    takedowns = list(Takedown.objects.filter(image_id__in=free, state=TakedownState.HELD).select_related("removal"))
    undecided = _undecided(hold, takedowns)
    moved = removals.let_back(list(undecided), by=by.pk if by else None)
    moved += _resumed(hold, [takedown for takedown in takedowns if takedown not in undecided], by=by)
    for removal in {takedown.removal for takedown in moved}:
        removals.pick_up(removal)


def _resumed(hold: Hold, decided: list[Takedown], *, by: User | None) -> list[Takedown]:
    actor = by.pk if by else None
    # Search still returned these when the hold came.
    unhidden = [takedown for takedown in decided if takedown.hide_attempts]
    began = [takedown for takedown in decided if not takedown.hide_attempts and takedown.cools_until]
    others = [takedown for takedown in decided if not takedown.hide_attempts and not takedown.cools_until]
    moved = moves.move_takedowns(unhidden, TakedownState.QUEUED, by=actor, hide_attempts=0)
    if hold.released_because == ReleasedBecause.ENDED:
        return moved + moves.move_takedowns([*began, *others], TakedownState.HIDDEN, by=actor, cools_until=clock.now())
    moved += moves.move_takedowns(began, TakedownState.HIDDEN, by=actor)
    cools_until = clock.now() + settings.COOLING
    return moved + moves.move_takedowns(others, TakedownState.HIDDEN, by=actor, cools_until=cools_until)


def _undecided(hold: Hold, takedowns: list[Takedown]) -> set[Takedown]:
    """Those that a hold opened, where none of the holds on their image has ended as a hold does."""
    if hold.released_because == ReleasedBecause.ENDED:
        return set()
    origins = {takedown.removal.origin for takedown in takedowns}
    by_hold = set(Hold.objects.filter(pk__in=origins).values_list("pk", flat=True))
    ended = HeldImage.objects.filter(
        image_id__in=[takedown.image_id for takedown in takedowns],
        hold__state=HoldState.RELEASED,
        hold__released_because=ReleasedBecause.ENDED,
    )
    deleted = set(ended.values_list("image_id", flat=True))
    return {each for each in takedowns if each.removal.origin in by_hold and each.image_id not in deleted}


def over(_hold_id: str) -> None:
    """What a hold's own removal reports to: nobody waits for it."""


def of_lost_accounts() -> int:
    """Holds in force that nobody can release, since an account that a restored backup does not know holds them."""
    lost_ones = Q(proposed_by__name__endswith=stand_ins.ENDING) | Q(confirmed_by__name__endswith=stand_ins.ENDING)
    return Hold.objects.filter(lost_ones, state__in=HOLDING).count()


def _move(hold: Hold, to: HoldState, *, by: User) -> None:
    if to not in HOLD_MOVES[hold.state]:
        raise NotAllowed(f"{hold.state} → {to}")
    was, hold.state = hold.state, to
    hold.save()
    append.append(Tag.HOLD_MOVED, about=hold.pk, actor=by.pk, was=was, to=to.value)
    note(hold)


def note(hold: Hold) -> None:
    """For a database restored from before: ids, states and dates; what is held must not be deleted by it."""
    service.journal(NOTE, hold.pk, _said(hold))


def _said(hold: Hold) -> str:
    accounts = {name: stand_ins.reference_to(getattr(hold, name)) for name in _ACCOUNTS}
    images = sorted(str(image) for image in hold.images.values_list("image_id", flat=True))
    kept: dict[str, Any] = {name: getattr(hold, name) for name in _KEPT}
    return json.dumps({**kept, **accounts, "images": images}, default=str, separators=(",", ":"))


@transaction.atomic
def replay_note(hold_id: UUID, said: str) -> ReplayOutcome:
    """As the journal tells it, in a database that has forgotten it: what it keeps is stopped, or what it let go, goes.

    Its images are hidden by their own tombstones.
    """
    _stop_all_steps()
    removals.stop_opening()
    there = Hold.objects.filter(pk=hold_id).first()
    if there is not None and _said(there) == said:
        return ReplayOutcome.ALREADY_DONE
    told = json.loads(said)
    images = [UUID(image) for image in told.pop("images")]
    accounts = {name: stand_ins.account_or_stand_in(told.pop(name)) for name in _ACCOUNTS}
    hold, _new = Hold.objects.update_or_create(pk=hold_id, defaults={**told, **accounts})
    HeldImage.objects.bulk_create((HeldImage(hold=hold, image_id=image) for image in images), ignore_conflicts=True)
    left = service.identifiers_of(images)
    _stop(hold, [image for image in images if image in left], by=None)
    if hold.state not in HOLDING:
        _let_go(hold, by=None)
    append.append(Tag.HOLD_BROUGHT_BACK, about=hold.pk, state=str(hold.state))
    return ReplayOutcome.DONE


def _locked(hold: Hold, *states: HoldState) -> Hold:
    found = Hold.objects.select_for_update().get(pk=hold.pk)
    if found.state not in states:
        raise NotAllowed(found.state)
    return found


def _stop_all_steps() -> None:
    """Until the transaction ends, no store is asked to remove anything; first the turns that are under way end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_STEPS])
