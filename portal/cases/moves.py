"""The one writer of a case's state."""

from datetime import datetime

from django.db import transaction

from portal.audit import append
from portal.audit.tags import Tag
from portal.cases.faults import NotAllowed, StaleCase
from portal.cases.models import Case, Outcome, ProposalKind
from portal.cases.states import MOVES, State
from portal.core import clock
from portal.policies.assurance import Erase, Proof, Right, allowance

# What is stamped, besides the state, on arriving there.
_STAMPS: dict[str, str] = {
    State.RECEIVED: "received_at",
    State.ERASING: "decided_at",
    State.SETTLED: "settled_at",
    State.REFUSED: "decided_at",
    State.WITHDRAWN: "withdrawn_at",
    State.CLOSED: "closed_at",
}
# Who may go there with which proof is law, checked at every move, for staff too.
_NEEDS_PROOF = (State.RECEIVED, State.SEARCHING, State.REVIEW, State.ERASING)


@transaction.atomic
def move(case: Case, to: State, *, by: int | None = None, reason: str = "") -> None:
    """Move `case` on. Errors: NotAllowed when no such move exists or the proof is too weak, StaleCase when another
    writer was quicker. `by` is the account of staff, empty for the subject and the system."""
    was = State(case.state)
    if to not in MOVES[was]:
        raise NotAllowed(f"{was} → {to}")
    _check_proof(case, to)
    stamps: dict[str, datetime] = {}
    if (stamp := _STAMPS.get(to)) and getattr(case, stamp) is None:
        stamps[stamp] = clock.now()
    if not Case.objects.filter(pk=case.pk, state=was).update(state=to, **stamps):
        raise StaleCase(f"{was} → {to}")
    case.state = to
    for name, at in stamps.items():
        setattr(case, name, at)
    if to != State.REVIEW:
        _drop_proposals(case, to)
    append.append(Tag.CASE_MOVED, about=case.code, actor=by, was=was.value, to=to.value, reason=reason)


@transaction.atomic
def close_again(case: Case) -> None:
    """The one way past the table: a restored database has forgotten that this case was closed and its key destroyed."""
    was, to = State(case.state), State.CLOSED if case.received_at else State.EXPIRED
    Case.objects.filter(pk=case.pk).update(state=to, closed_at=clock.now())
    case.state = to
    _drop_proposals(case, to)
    append.append(Tag.CASE_MOVED, about=case.code, was=was.value, to=to.value, reason="restored")


def _drop_proposals(case: Case, to: State) -> None:
    """Take back what has no object any more: out of review all but what is to be restored, at the end that too."""
    without_object = case.proposals.filter(outcome=Outcome.OPEN)
    if to not in (State.SETTLED, State.CLOSED):
        without_object = without_object.exclude(kind=ProposalKind.RESTORE)
    without_object.update(outcome=Outcome.TAKEN_BACK, decided_at=clock.now())


def _check_proof(case: Case, to: State) -> None:
    allowed = allowance(Right(case.right), Proof(case.proof), case.statute)
    if to in _NEEDS_PROOF and allowed.erase is Erase.NOTHING:
        raise NotAllowed(f"proof {case.proof} allows no {to}")
