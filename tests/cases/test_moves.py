"""Every pair of states, allowed and refused."""

from itertools import product

import pytest

from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.cases import moves
from portal.cases.models import Case
from portal.cases.states import MOVES, State
from portal.core.faults import NotAllowed, Stale
from portal.policies.assurance import Proof
from tests.builders import make_case

pytestmark = pytest.mark.django_db
PAIRS = list(product(State, State))


@pytest.mark.parametrize(("was", "to"), [p for p in PAIRS if p[1] in MOVES[p[0]]])
def test_it_makes_every_legal_move_and_records_it(was: State, to: State) -> None:
    case = make_case(was)
    moves.move(case, to)
    assert Case.objects.get(pk=case.pk).state == to
    entry = Entry.objects.filter(tag=Tag.CASE_MOVED, about=str(case.code)).latest("pk")
    assert (entry.detail["was"], entry.detail["to"]) == (was.value, to.value)


@pytest.mark.parametrize(("was", "to"), [p for p in PAIRS if p[1] not in MOVES[p[0]]])
def test_it_refuses_every_other_move_and_leaves_the_case(was: State, to: State) -> None:
    case = make_case(was)
    with pytest.raises(NotAllowed):
        moves.move(case, to)
    assert Case.objects.get(pk=case.pk).state == was


def test_a_second_writer_is_told_that_it_was_too_late() -> None:
    case = make_case(State.REVIEW)
    other = Case.objects.get(pk=case.pk)
    moves.move(case, State.ERASING)
    with pytest.raises(Stale):
        moves.move(other, State.SETTLED)


def test_a_case_without_proof_is_not_received() -> None:
    case = make_case()
    Case.objects.filter(pk=case.pk).update(proof=Proof.NONE)
    case.refresh_from_db()
    with pytest.raises(NotAllowed):
        moves.move(case, State.RECEIVED)
