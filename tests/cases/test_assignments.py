"""The system draws who looks at a case, among those on duty; nobody chooses, and nobody gets back one they lost."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from matching import service
from portal.accounts import duty
from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.cases import assignments, decisions
from portal.cases.models import Assignment, Case, Part, Route, TakenOff
from portal.cases.states import State
from portal.core import clock
from portal.core.faults import NotAllowed
from tests.builders import indexed_image, look_at, make_account, make_case

pytestmark = pytest.mark.django_db
Drain = Callable[[], int]
NAMES = ("sam", "lee", "kim", "pat", "max")


def on_duty(*names: str) -> list[User]:
    accounts = [make_account(name) for name in names]
    for account in accounts:
        duty.begin(account)
    return accounts


def who(case: Case, part: Part = Part.REVIEWER) -> User | None:
    found = Assignment.objects.filter(case=case, part=part, ended_at=None).first()
    return None if found is None else found.to


def in_review() -> Case:
    return make_case(State.REVIEW, address=f"{uuid4()}@example.org")


@pytest.mark.django_db(transaction=True)
def test_a_reviewer_is_drawn_when_the_search_brings_a_case_to_review(drain: Drain) -> None:
    accounts = on_duty(*NAMES)
    image = indexed_image()
    page = service.provenance_of([image])[image].page
    case = make_case(State.RECEIVED, route=Route.ADDRESSES, addresses=[page])
    assert who(case) is None
    drain()
    assert who(case) in accounts
    assert who(case, Part.SECOND) is None


def test_it_is_drawn_at_random_among_those_on_duty() -> None:
    away = make_account("away")
    on_duty(*NAMES)
    drawn = set()
    for _ in range(30):
        case = in_review()
        assignments.draw(case)
        drawn.add(who(case))
    assert len(drawn) >= 3
    assert away not in drawn


def test_the_second_person_is_drawn_with_a_proposal_and_is_somebody_else() -> None:
    on_duty("sam", "lee", "kim")
    for _ in range(5):
        case = in_review()
        assignments.draw(case)
        first = who(case)
        assert first is not None
        look_at(case, first)
        decisions.propose_refusal(case, by=first, reason="abusive")
        second = who(case, Part.SECOND)
        assert second is not None
        assert second != first


@pytest.mark.parametrize("names", [(), ("sam",)])
def test_with_fewer_than_two_on_duty_a_case_waits_until_there_are(names: tuple[str, ...]) -> None:
    on_duty(*names)
    case = in_review()
    assignments.draw(case)
    assignments.fill()
    assert who(case) is None
    on_duty("lee", "kim")
    assignments.fill()
    assert who(case) is not None


def test_whoever_goes_off_duty_keeps_nothing_undecided() -> None:
    on_duty("sam", "lee", "kim")
    case, decided = in_review(), make_case(State.ERASING)
    assignments.draw(case)
    first = who(case)
    assert first is not None
    assignments.give(decided, Part.REVIEWER, first)
    assignments.go_off_duty(first)
    assert who(case) not in (None, first)
    assert who(decided) == first
    ended = Assignment.objects.get(case=case, to=first)
    assert (ended.ended_because, ended.ended_by) == (TakenOff.OFF_DUTY, None)


def test_the_cases_of_those_who_stay_away_or_lost_their_account_go_on() -> None:
    sam, lee, kim = on_duty("sam", "lee", "kim")
    closed, away = in_review(), in_review()
    assignments.give(closed, Part.REVIEWER, sam)
    assignments.give(away, Part.REVIEWER, lee)
    clock.move(timedelta(days=3))
    User.objects.filter(pk=sam.pk).update(is_active=False)
    on_duty("kim", "pat")
    assignments.fill()
    assert {who(closed), who(away)} <= {kim, make_account("pat")}


def test_a_supervisor_has_cases_drawn_anew_and_gets_none_of_them() -> None:
    sam, lee, kim, pat = on_duty("sam", "lee", "kim", "pat")
    cases = [in_review() for _ in range(8)]
    for case in cases:
        assignments.give(case, Part.REVIEWER, lee)
    assignments.reassign(lee, TakenOff.KNOWS_THEM, by=sam)
    assert {who(case) for case in cases} <= {kim, pat}
    entry = Entry.objects.filter(tag=Tag.CASE_TAKEN_OFF).first()
    assert entry is not None
    assert (entry.actor, entry.detail) == (sam.pk, {"was": lee.pk, "because": "knows_them"})
    # Nor later, when everybody else has gone.
    for person in (kim, pat):
        assignments.go_off_duty(person)
    assert {who(case) for case in cases} == {None}


def test_one_case_alone_can_be_drawn_anew() -> None:
    sam, lee, _kim = on_duty("sam", "lee", "kim")
    one, other = in_review(), in_review()
    for case in (one, other):
        assignments.give(case, Part.REVIEWER, lee)
    assignments.reassign(lee, TakenOff.COMPLAINT, by=sam, reference=one.reference.lower())
    assert who(one) != lee
    assert who(other) == lee


def test_nobody_but_a_supervisor_and_for_no_other_reason() -> None:
    sam, lee, _kim = on_duty("sam", "lee", "kim")
    User.objects.filter(pk=sam.pk).update(is_senior=False)
    sam.refresh_from_db()
    with pytest.raises(NotAllowed):
        assignments.reassign(lee, TakenOff.ILL, by=sam)
    with pytest.raises(NotAllowed):
        assignments.reassign(sam, TakenOff.OFF_DUTY, by=lee)
