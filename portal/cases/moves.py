"""The one writer of a case's state."""

from datetime import datetime

from django.db import transaction

from portal.audit import append
from portal.audit.tags import Tag
from portal.cases.models import Case, Outcome, ProposalKind
from portal.cases.states import MOVES, State
from portal.core import clock, moving
from portal.core.faults import NotAllowed
from portal.policies.assurance import Erase, Proof, Right, allowance

# The instant that is set, besides the state, by the first move to it.
_STAMPS: dict[str, str] = {
    State.RECEIVED: "received_at",
    State.ERASING: "decided_at",
    State.SETTLED: "settled_at",
    State.REFUSED: "decided_at",
    State.WITHDRAWN: "withdrawn_at",
    State.CLOSED: "closed_at",
}
# States that need a proof which allows erasing. It is checked at every move, also of staff.
_NEEDS_PROOF = (State.RECEIVED, State.SEARCHING, State.REVIEW, State.ERASING)


@transaction.atomic
def move(case: Case, to: State, *, by: int | None = None, reason: str = "") -> None:
    """Move a case to another state, with its entry in the trail; open proposals that have no object any more end.

    `by` is the account of staff, None for the subject and the system. Errors: NotAllowed, if the proof is too weak or
    there is no such move (IllegalMove); Stale.
    """
    was = State(case.state)
    _check_proof(case, to)
    stamps: dict[str, datetime] = {}
    if (stamp := _STAMPS.get(to)) and getattr(case, stamp) is None:
        stamps[stamp] = clock.now()
    moving.move(case, to, MOVES, **stamps)
    if to != State.REVIEW:
        _drop_proposals(case, to)
    append.append(Tag.CASE_MOVED, about=case.code, actor=by, was=was.value, to=to.value, reason=reason)


@transaction.atomic
def close_again(case: Case) -> None:
    """Close a case whose key is gone, which a restored database does not know. Only this move is not in the table."""
    was, to = State(case.state), State.CLOSED if case.received_at else State.EXPIRED
    Case.objects.filter(pk=case.pk).update(state=to, closed_at=clock.now())
    case.state = to
    _drop_proposals(case, to)
    append.append(Tag.CASE_MOVED, about=case.code, was=was.value, to=to.value, reason="restored")


def _drop_proposals(case: Case, to: State) -> None:
    """Take back open proposals that have no object any more: all but restoring, and at the end restoring too."""
    without_object = case.proposals.filter(outcome=Outcome.OPEN)
    if to not in (State.SETTLED, State.CLOSED):
        without_object = without_object.exclude(kind=ProposalKind.RESTORE)
    without_object.update(outcome=Outcome.TAKEN_BACK, decided_at=clock.now())


def _check_proof(case: Case, to: State) -> None:
    allowed = allowance(Right(case.right), Proof(case.proof), case.statute)
    if to in _NEEDS_PROOF and allowed.erase is Erase.NOTHING:
        raise NotAllowed(f"proof {case.proof} allows no {to}")
