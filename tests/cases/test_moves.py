"""Each legal move of a case is made by the verb that people or workers use; every other is refused.

The moves are written out here, so that a change of the table in `portal.cases.states` must be meant.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise

import pytest

from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.cases import actions, decisions, moves, work
from portal.cases.models import Band, Case, Match, RefusalReason
from portal.cases.states import MOVES, State
from portal.core import clock
from portal.core.faults import NotAllowed, Stale
from portal.policies.assurance import Proof
from tests.builders import assign, indexed_image, look_at, make_account, make_case
from tests.matching.builders import make_image, unit_rows

pytestmark = pytest.mark.django_db
ADDRESS = "https://photos.example/ana.jpg"
Verb = Callable[[Case], None]
S = State


def submit(case: Case) -> None:
    actions.submit(case)


def expire(case: Case) -> None:
    work.expire(str(case.code))


def withdraw(case: Case) -> None:
    actions.withdraw(case)


def begin_search(case: Case) -> None:
    """The worker dies in the middle of the search."""

    def dies(*_given: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, suppress(KeyboardInterrupt):
        patch.setattr(work, "_find_together", dies)
        work.search(str(case.code))


def search(case: Case) -> None:
    work.search(str(case.code))


def search_and_find(case: Case) -> None:
    make_image(unit_rows(1, seed=1), page=ADDRESS)
    work.search(str(case.code))


def decide(case: Case) -> None:
    Match.objects.create(case=case, image_id=indexed_image(), band=Band.ADDRESS)
    sam, lee = _staff_who_looked(case)
    matches = list(case.matches.values_list("pk", flat=True))
    decisions.confirm(decisions.propose_decision(case, by=sam, delete=matches), by=lee)


def refuse(case: Case) -> None:
    sam, lee = _staff_who_looked(case)
    decisions.confirm(decisions.propose_refusal(case, by=sam, reason=RefusalReason.ABUSIVE), by=lee)


def _staff_who_looked(case: Case) -> tuple[User, User]:
    sam, lee = make_account("sam"), make_account("lee")
    if case.state == State.REVIEW:
        assign(case, sam, lee)
        look_at(case, sam, lee)
    return sam, lee


def settle(case: Case) -> None:
    work.settle(str(case.code))


def settle_and_find(case: Case) -> None:
    make_image(unit_rows(1, seed=1), page=ADDRESS)
    work.settle(str(case.code))


def close(case: Case) -> None:
    clock.move(timedelta(days=60))
    work.close(str(case.code))


# What each verb makes of a case in each state; in a state that is not named here it moves nothing.
MADE: dict[Verb, dict[State, State]] = {
    submit: {S.DRAFT: S.RECEIVED},
    expire: {S.DRAFT: S.EXPIRED},
    withdraw: dict.fromkeys((S.DRAFT, S.RECEIVED, S.WAITING, S.SEARCHING, S.REVIEW), S.WITHDRAWN),
    begin_search: {S.RECEIVED: S.SEARCHING},
    search: {S.RECEIVED: S.SETTLED, S.SEARCHING: S.SETTLED},
    search_and_find: {S.RECEIVED: S.REVIEW, S.SEARCHING: S.REVIEW},
    decide: {S.REVIEW: S.ERASING},
    refuse: {S.REVIEW: S.REFUSED},
    settle: {S.ERASING: S.SETTLED},
    settle_and_find: {S.ERASING: S.REVIEW},
    close: dict.fromkeys((S.SETTLED, S.REFUSED, S.WITHDRAWN), S.CLOSED),
}
# A search passes through `searching`, which the trail shows.
_BY_WAY_OF = {(S.RECEIVED, S.SETTLED): S.SEARCHING, (S.RECEIVED, S.REVIEW): S.SEARCHING}
# Waiting for the subject comes with proof by a live face; no verb leads there yet.
NOT_YET = {(S.RECEIVED, S.WAITING), (S.WAITING, S.RECEIVED), (S.WAITING, S.EXPIRED)}
LEGAL = NOT_YET | {pair for made in MADE.values() for pair in made.items() if pair not in _BY_WAY_OF}


@pytest.mark.parametrize("was", State)
@pytest.mark.parametrize("verb", MADE)
def test_each_verb_makes_its_moves_and_no_other(verb: Verb, was: State) -> None:
    case = make_case(was, addresses=[ADDRESS])
    before = _trail(case)
    to = MADE[verb].get(was, was)
    if to == was:
        with suppress(NotAllowed, Stale):
            verb(case)
    else:
        verb(case)
    assert Case.objects.get(pk=case.pk).state == to
    path = [was, *([_BY_WAY_OF[was, to]] if (was, to) in _BY_WAY_OF else []), *([to] if to != was else [])]
    assert _trail(case)[len(before) :] == list(pairwise(path))


def _trail(case: Case) -> list[tuple[str, str]]:
    entries = Entry.objects.filter(tag=Tag.CASE_MOVED, about=str(case.code)).order_by("pk")
    return [(entry.detail["was"], entry.detail["to"]) for entry in entries]


def test_the_table_allows_what_a_verb_makes_and_no_more() -> None:
    assert {(State(was), State(to)) for was, every in MOVES.items() for to in every} == LEGAL


@pytest.mark.parametrize("was", State)
def test_every_other_move_is_refused_and_leaves_the_case(was: State) -> None:
    case = make_case(was)
    for to in State:
        if (was, to) not in LEGAL:
            with pytest.raises(NotAllowed):
                moves.move(case, to)
            assert Case.objects.get(pk=case.pk).state == was


def test_a_second_writer_is_told_that_it_was_too_late() -> None:
    case = make_case(State.REVIEW)
    other = Case.objects.get(pk=case.pk)
    moves.move(case, State.ERASING)
    with pytest.raises(Stale):
        moves.move(other, State.REFUSED)


def test_a_case_without_proof_is_not_received() -> None:
    case = make_case()
    Case.objects.filter(pk=case.pk).update(proof=Proof.NONE)
    case.refresh_from_db()
    with pytest.raises(NotAllowed):
        moves.move(case, State.RECEIVED)
