"""What staff may decide in a case. What is unclear, and every refusal, needs two people."""

from collections.abc import Iterable
from datetime import timedelta

from django.db import IntegrityError, transaction

from portal.accounts.models import User
from portal.audit import append
from portal.audit.tags import Tag
from portal.cases import forget, moves
from portal.cases.faults import NotAllowed, StaleCase
from portal.cases.models import (
    Band,
    Case,
    Decision,
    Match,
    Outcome,
    Proposal,
    ProposalKind,
    RefusalReason,
    Unlock,
    UnlockPurpose,
)
from portal.cases.states import State
from portal.core import clock
from portal.jobs import queue
from portal.policies.assurance import Proof, Right, allowance
from portal.takedowns.removals import open_removal

UNLOCKED_FOR = timedelta(minutes=15)


@transaction.atomic
def approve(case: Case, *, by: User, matches: Iterable[int]) -> None:
    """Delete matches that one person may decide. Errors: NotAllowed for a band that needs two, StaleCase."""
    case = _in_review(case)
    chosen = _open_matches(case, matches)
    if not chosen or any(people_needed(case, match) > 1 for match in chosen):
        raise NotAllowed("a second person decides the unclear ones")
    append.append(Tag.MATCHES_APPROVED, about=case.code, actor=by.pk, images=[str(m.image_id) for m in chosen])
    _delete(case, chosen)
    _go_on_when_decided(case, by=by)


def people_needed(case: Case, match: Match) -> int:
    """How many of staff must agree before this match is deleted."""
    allowed = allowance(Right(case.right), Proof(case.proof), case.statute)
    return allowed.people_for_probable if match.band == Band.PROBABLE else allowed.people_for_certain


@transaction.atomic
def propose_decision(case: Case, *, by: User, delete: Iterable[int]) -> Proposal:
    """Propose which open matches are deleted; the others are left in the index. A second person confirms."""
    case = _in_review(case)
    chosen = _open_matches(case, delete)
    proposal = _propose(case, ProposalKind.DECIDE, by=by)
    proposal.matches.set(chosen)
    return proposal


@transaction.atomic
def propose_refusal(case: Case, *, by: User, reason: str) -> Proposal:
    """Propose to refuse, for a reason that holds from the photo and the form alone. A second person confirms."""
    return _propose(_in_review(case), ProposalKind.REFUSE, by=by, reason=RefusalReason(reason))


def _propose(case: Case, kind: ProposalKind, *, by: User, reason: str = "") -> Proposal:
    try:
        with transaction.atomic():
            proposal = Proposal.objects.create(case=case, kind=kind, reason=reason, made_by=by, made_at=clock.now())
    except IntegrityError:
        raise StaleCase("such a proposal waits already") from None
    append.append(Tag.PROPOSAL_MADE, about=case.code, actor=by.pk, proposal=proposal.pk, kind=str(kind), reason=reason)
    return proposal


@transaction.atomic
def confirm(proposal: Proposal, *, by: User) -> None:
    """Carry out what a colleague proposed. Errors: NotAllowed for the proposer, StaleCase."""
    case = _in_review(proposal.case)
    _end(proposal, Outcome.CONFIRMED, by=by, tag=Tag.PROPOSAL_CONFIRMED)
    if proposal.kind == ProposalKind.REFUSE:
        _refuse(case, proposal, by=by)
        return
    chosen = list(proposal.matches.filter(decision=Decision.OPEN))
    if chosen:
        _delete(case, chosen)
    left = case.matches.filter(decision=Decision.OPEN)
    append.append(Tag.MATCHES_LEFT, about=case.code, actor=by.pk, images=[str(m.image_id) for m in left])
    left.update(decision=Decision.LEFT)
    _go_on_when_decided(case, by=by)


@transaction.atomic
def decline(proposal: Proposal, *, by: User) -> None:
    """Send a colleague's proposal back; the case waits for another. Errors: NotAllowed for the proposer, StaleCase."""
    _end(proposal, Outcome.DECLINED, by=by, tag=Tag.PROPOSAL_DECLINED)


@transaction.atomic
def take_back(proposal: Proposal, *, by: User) -> None:
    """Undo one's own proposal. Errors: NotAllowed for anyone else, StaleCase."""
    _end(proposal, Outcome.TAKEN_BACK, by=by, tag=Tag.PROPOSAL_TAKEN_BACK)


def _end(proposal: Proposal, outcome: Outcome, *, by: User, tag: Tag) -> None:
    own = proposal.made_by_id == by.pk
    if own != (outcome == Outcome.TAKEN_BACK):
        raise NotAllowed("the proposer takes back, another person confirms or declines")
    changed = Proposal.objects.filter(pk=proposal.pk, outcome=Outcome.OPEN).update(
        outcome=outcome, decided_by=by, decided_at=clock.now()
    )
    if not changed:
        raise StaleCase("the proposal was decided meanwhile")
    append.append(tag, about=proposal.case_id, actor=by.pk, proposal=proposal.pk)


def _refuse(case: Case, proposal: Proposal, *, by: User) -> None:
    moves.move(case, State.REFUSED, by=by.pk, reason=proposal.reason)
    forget.photo(case)
    forget.probes(case)
    queue.enqueue("case.close", case.code, run_at=case.slot_at)


def _delete(case: Case, chosen: list[Match]) -> None:
    Match.objects.filter(pk__in=[match.pk for match in chosen]).update(decision=Decision.APPROVED)
    open_removal(case.code, (match.image_id for match in chosen), then="case.settle", at_last="case.close")


def _go_on_when_decided(case: Case, *, by: User) -> None:
    """Once nothing is open the case is decided; what was proposed about it has no object any more."""
    if case.matches.filter(decision=Decision.OPEN).exists():
        return
    Proposal.objects.filter(case=case, outcome=Outcome.OPEN).update(outcome=Outcome.TAKEN_BACK, decided_at=clock.now())
    moves.move(case, State.ERASING, by=by.pk)
    forget.photo(case)
    queue.enqueue("case.settle", case.code)


@transaction.atomic
def unlock(case: Case, *, by: User, purpose: str) -> Unlock:
    """Leave to see this case's faces, for a stated purpose and fifteen minutes."""
    until = clock.now() + UNLOCKED_FOR
    append.append(Tag.CASE_UNLOCKED, about=case.code, actor=by.pk, purpose=UnlockPurpose(purpose).value)
    return Unlock.objects.create(case=case, by=by, purpose=UnlockPurpose(purpose), until=until)


def _in_review(case: Case) -> Case:
    """The case, locked for this transaction. Errors: StaleCase when it is not, or no longer, in review."""
    locked = Case.objects.select_for_update().get(pk=case.pk)
    if locked.state != State.REVIEW:
        raise StaleCase(locked.state)
    return locked


def _open_matches(case: Case, chosen: Iterable[int]) -> list[Match]:
    """Errors: StaleCase when one of them is not an open match of this case."""
    wanted = set(chosen)
    found = list(case.matches.filter(pk__in=wanted, decision=Decision.OPEN))
    if len(found) != len(wanted):
        raise StaleCase("one of these was decided meanwhile")
    return found
