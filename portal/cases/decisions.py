"""What staff may decide in a case, each having looked at what it rests on (portal.cases.looked_at).

What is unclear, what was named by its address, and every refusal needs two people.
"""

from collections.abc import Iterable

from django.db import IntegrityError, transaction

from matching import service
from portal.accounts.models import User
from portal.audit import append
from portal.audit.tags import Tag
from portal.blocks import choices
from portal.cases import assignments, forget, looked_at, moves, personal
from portal.cases.faults import TooManyUnlocks
from portal.cases.models import (
    Band,
    Case,
    Decision,
    Match,
    Outcome,
    Probe,
    Proposal,
    ProposalKind,
    RefusalReason,
    Route,
    Unlock,
    UnlockPurpose,
)
from portal.cases.states import State
from portal.core import clock, limits
from portal.core.faults import NotAllowed, Stale
from portal.jobs import queue
from portal.policies import budgets
from portal.policies.assurance import Erase, Proof, Right, allowance
from portal.takedowns import holds
from portal.takedowns.models import Hold, HoldReason, Takedown
from portal.takedowns.removals import TooLate, open_removal, restore
from portal.takedowns.states import TakedownState

# What was approved goes on cooling when the rest of the case is refused or withdrawn, so it can come back then too.
_RESTORABLE = (State.REVIEW, State.ERASING, State.REFUSED, State.WITHDRAWN)


@transaction.atomic
def approve(case: Case, *, by: User, matches: Iterable[int]) -> None:
    """Delete matches that one person may decide. Errors: NotAllowed for a band that needs two, Unseen, Stale."""
    case = _in_review(case)
    chosen = _open_matches(case, matches)
    if not chosen or any(people_needed(case, match) > 1 for match in chosen):
        raise NotAllowed("a second person decides the unclear ones")
    looked_at.require(case, by=by, delete=chosen)
    append.append(Tag.MATCHES_APPROVED, about=case.code, actor=by.pk, images=[str(m.image_id) for m in chosen])
    _delete(case, chosen)
    _go_on_when_decided(case, by=by)


def people_needed(case: Case, match: Match) -> int:
    """How many of staff must agree before this match is deleted."""
    return people_by_band(case)[Band(match.band)]


def people_by_band(case: Case) -> dict[Band, int]:
    """One person alone decides only by comparing with a photo; where none is kept any more, two do."""
    allowed = allowance(Right(case.right), Proof(case.proof), case.statute)
    alone = allowed.people_for_certain if case.photos.exists() else 2
    return {Band.CERTAIN: alone, Band.PROBABLE: allowed.people_for_probable, Band.ADDRESS: allowed.people_for_address}


@transaction.atomic
def propose_decision(case: Case, *, by: User, delete: Iterable[int]) -> Proposal:
    """Propose which open matches are deleted; the others are left in the index. A second person confirms.

    Errors: Unseen where `by` has not looked at the photo and each picture, Stale.
    """
    case = _in_review(case)
    chosen = _open_matches(case, delete)
    looked_at.require(case, by=by, delete=chosen, leave=_others(case, chosen))
    proposal = _propose(case, ProposalKind.DECIDE, by=by)
    proposal.matches.set(chosen)
    return proposal


@transaction.atomic
def propose_refusal(case: Case, *, by: User, reason: str) -> Proposal:
    """Propose to refuse, for a reason that holds from the photo and the form alone. A second person confirms.

    Errors: Unseen, Stale.
    """
    case = _in_review(case)
    _require_seen_to_refuse(case, by=by)
    return _propose(case, ProposalKind.REFUSE, by=by, reason=RefusalReason(reason))


def to_refuse(case: Case) -> list[Match]:
    """What is looked at beside the photo; by addresses, where there is no photo, what they named."""
    return list(case.matches.all()) if case.route == Route.ADDRESSES else []


def _require_seen_to_refuse(case: Case, *, by: User) -> None:
    looked_at.require(case, by=by, leave=to_refuse(case))


def _propose(case: Case, kind: ProposalKind, *, by: User, reason: str = "") -> Proposal:
    try:
        with transaction.atomic():
            proposal = Proposal.objects.create(case=case, kind=kind, reason=reason, made_by=by, made_at=clock.now())
    except IntegrityError:
        raise Stale("such a proposal waits already") from None
    assignments.draw_second(case)
    append.append(Tag.PROPOSAL_MADE, about=case.code, actor=by.pk, proposal=proposal.pk, kind=str(kind), reason=reason)
    return proposal


@transaction.atomic
def propose_restore(case: Case, *, by: User, matches: Iterable[int]) -> Proposal:
    """Propose to bring hidden images back into search while they cool. They stay hidden until a second person confirms.

    Errors: Unseen, Stale where one is not hidden and cooling.
    """
    case = _locked(case, *_RESTORABLE)
    chosen = list(case.matches.filter(pk__in=set(matches), decision=Decision.APPROVED))
    if not chosen or len(_cooling(case, chosen)) != len(chosen):
        raise Stale("the cooling time is over")
    looked_at.require(case, by=by, leave=chosen)
    proposal = _propose(case, ProposalKind.RESTORE, by=by)
    proposal.matches.set(chosen)
    return proposal


@transaction.atomic
def confirm(proposal: Proposal, *, by: User) -> None:
    """Carry out what a colleague proposed.

    Errors: NotAllowed for the proposer, Unseen where `by` has not looked at what it rests on, Stale when the case
    or its images moved on.
    """
    carry_out = {
        ProposalKind.REFUSE: _refuse,
        ProposalKind.DECIDE: _decide,
        ProposalKind.RESTORE: _restore,
    }[ProposalKind(proposal.kind)]
    states = _RESTORABLE if proposal.kind == ProposalKind.RESTORE else (State.REVIEW,)
    case = _locked(proposal.case, *states)
    _end(proposal, Outcome.CONFIRMED, by=by, tag=Tag.PROPOSAL_CONFIRMED)
    carry_out(case, proposal, by=by)


def _decide(case: Case, proposal: Proposal, *, by: User) -> None:
    chosen = list(proposal.matches.filter(decision=Decision.OPEN))
    looked_at.require(case, by=by, delete=chosen, leave=_others(case, chosen))
    if chosen:
        _delete(case, chosen)
    left = case.matches.filter(decision=Decision.OPEN)
    append.append(Tag.MATCHES_LEFT, about=case.code, actor=by.pk, images=[str(m.image_id) for m in left])
    left.update(decision=Decision.LEFT)
    _go_on_when_decided(case, by=by)


def _restore(case: Case, proposal: Proposal, *, by: User) -> None:
    matches = list(proposal.matches.all())
    looked_at.require(case, by=by, leave=matches)
    cooling = _cooling(case, matches)
    if len(cooling) < len(matches):
        raise Stale("the cooling time is over")
    try:
        for takedown in cooling:
            restore(takedown, by=by.pk)
    except TooLate:
        raise Stale("the cooling time is over") from None
    proposal.matches.update(decision=Decision.LEFT)
    # Not the subject after all: nothing is to be found by these faces.
    Probe.objects.filter(match__in=matches).delete()


def _cooling(case: Case, matches: list[Match]) -> list[Takedown]:
    """The takedowns of these images that can still be restored."""
    return list(
        Takedown.objects.filter(
            removal__origin=case.code,
            image_id__in=[match.image_id for match in matches],
            state=TakedownState.HIDDEN,
            cools_until__gt=clock.now(),
        )
    )


@transaction.atomic
def decline(proposal: Proposal, *, by: User) -> None:
    """Send a colleague's proposal back; the case waits for another. Errors: NotAllowed for the proposer, Stale."""
    _end(proposal, Outcome.DECLINED, by=by, tag=Tag.PROPOSAL_DECLINED)


@transaction.atomic
def take_back(proposal: Proposal, *, by: User) -> None:
    """Undo one's own proposal. Errors: NotAllowed for anyone else, Stale."""
    _end(proposal, Outcome.TAKEN_BACK, by=by, tag=Tag.PROPOSAL_TAKEN_BACK)


def _end(proposal: Proposal, outcome: Outcome, *, by: User, tag: Tag) -> None:
    own = proposal.made_by_id == by.pk
    if own != (outcome == Outcome.TAKEN_BACK):
        raise NotAllowed("the proposer takes back, another person confirms or declines")
    changed = Proposal.objects.filter(pk=proposal.pk, outcome=Outcome.OPEN).update(
        outcome=outcome, decided_by=by, decided_at=clock.now()
    )
    if not changed:
        raise Stale("the proposal was decided meanwhile")
    append.append(tag, about=proposal.case_id, actor=by.pk, proposal=proposal.pk)


def _refuse(case: Case, proposal: Proposal, *, by: User) -> None:
    _require_seen_to_refuse(case, by=by)
    moves.move(case, State.REFUSED, by=by.pk, reason=proposal.reason)
    forget.photos(case)
    forget.probes(case)
    choices.lift(case.code)
    queue.enqueue("case.close", case.code, run_at=case.slot_at)


def _delete(case: Case, chosen: list[Match]) -> None:
    allowed = allowance(Right(case.right), Proof(case.proof), case.statute)
    if allowed.erase is Erase.GIVEN_ADDRESSES and any(match.band != Band.ADDRESS for match in chosen):
        raise NotAllowed("this proof deletes the given addresses only")
    Match.objects.filter(pk__in=[match.pk for match in chosen]).update(decision=Decision.APPROVED)
    choices.note_files(case.code, key_id=case.key_id, images=[match.image_id for match in chosen])
    _keep_as_probes(case, chosen)
    open_removal(
        case.code, (match.image_id for match in chosen), job_when_removed="case.settle", job_when_purged="case.close"
    )


def _keep_as_probes(case: Case, chosen: list[Match]) -> None:
    """What was confirmed is searched on with, after it has left the index."""
    faces = {match.face_id: match for match in chosen if match.face_id is not None}
    if faces and case.probes.exists():
        rows = service.probes_of(list(faces))
        personal.keep_confirmed(case, {faces[face]: row for face, row in rows.items()}, pack=service.pack().name)


def _go_on_when_decided(case: Case, *, by: User) -> None:
    """Once nothing is open the case is decided. The photo stays for the last search, which may find more to decide."""
    if case.matches.filter(decision=Decision.OPEN).exists():
        return
    moves.move(case, State.ERASING, by=by.pk)
    queue.enqueue("case.expand", case.code)
    queue.enqueue("case.settle", case.code)


@transaction.atomic
def unlock(case: Case, *, by: User, purpose: str) -> Unlock:
    """Leave to see this case's faces, for a stated purpose and a short time. Errors: TooManyUnlocks."""
    budget = budgets.UNLOCKS
    if not limits.spend("unlock", str(by.pk), budget):
        raise TooManyUnlocks
    until = clock.now() + budgets.UNLOCKED_FOR
    append.append(Tag.CASE_UNLOCKED, about=case.code, actor=by.pk, purpose=UnlockPurpose(purpose).value)
    return Unlock.objects.create(case=case, by=by, purpose=UnlockPurpose(purpose), until=until)


@transaction.atomic
def propose_hold(case: Case, chosen: Iterable[Match], reason: HoldReason, *, by: User) -> Hold:
    """A legal hold on images of this case, which stops and hides them at once. Errors: Unseen, NotAllowed."""
    chosen = list(chosen)
    looked_at.require_pictures(case, by=by, matches=chosen)
    hold = holds.propose([match.image_id for match in chosen], reason, by=by)
    holds.has_looked(hold, hold.images.values_list("image_id", flat=True), by=by)
    return hold


def _in_review(case: Case) -> Case:
    return _locked(case, State.REVIEW)


def _locked(case: Case, *states: State) -> Case:
    """The case, locked for this transaction. Errors: Stale when it is not, or no longer, in one of the states."""
    locked = Case.objects.select_for_update().get(pk=case.pk)
    if locked.state not in states:
        raise Stale(locked.state)
    return locked


def _others(case: Case, chosen: list[Match]) -> list[Match]:
    """The open matches that would be left."""
    return list(case.matches.filter(decision=Decision.OPEN).exclude(pk__in=[match.pk for match in chosen]))


def _open_matches(case: Case, chosen: Iterable[int]) -> list[Match]:
    """Errors: Stale when one of them is not an open match of this case."""
    wanted = set(chosen)
    found = list(case.matches.filter(pk__in=wanted, decision=Decision.OPEN))
    if len(found) != len(wanted):
        raise Stale("one of these was decided meanwhile")
    return found
