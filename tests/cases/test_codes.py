"""Mailed codes: short-lived, few tries, and kept as digests only."""

from datetime import timedelta

import pytest

from portal.cases import actions, codes
from portal.cases.faults import CodeExpired, TooManyCodes, WrongCode
from portal.cases.models import Case, Code
from portal.cases.states import State
from portal.core import clock
from portal.policies import budgets, retention
from portal.policies.assurance import Proof
from tests.builders import mailed_code, make_case

pytestmark = pytest.mark.django_db


@pytest.fixture
def case() -> Case:
    case = actions.open_case("en")
    actions.set_place(case, "CA-ON")
    actions.send_code(case, "ana@example.org")
    return case


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def test_the_right_code_confirms_the_contact_once(case: Case) -> None:
    code = mailed_code(case)
    actions.confirm_code(case, code)
    assert case.proof == Proof.CONTACT
    with pytest.raises(CodeExpired):
        actions.confirm_code(case, code)


def test_wrong_codes_use_up_the_tries_and_then_the_right_one_fails_too(case: Case) -> None:
    code = mailed_code(case)
    for left in range(codes.TRIES - 1, 0, -1):
        with pytest.raises(WrongCode) as caught:
            actions.confirm_code(case, wrong(code))
        assert caught.value.tries_left == left
    with pytest.raises(CodeExpired):
        actions.confirm_code(case, wrong(code))
    with pytest.raises(CodeExpired):
        actions.confirm_code(case, code)


def test_a_code_expires(case: Case) -> None:
    code = mailed_code(case)
    clock.move(retention.CODE.kept_for + timedelta(seconds=1))
    with pytest.raises(CodeExpired):
        actions.confirm_code(case, code)


def test_a_new_code_ends_the_old_one(case: Case) -> None:
    old = mailed_code(case)
    new = mailed_code(case)
    if old != new:
        with pytest.raises(WrongCode):
            actions.confirm_code(case, old)
    actions.confirm_code(case, new)


def test_the_code_itself_is_not_in_the_database(case: Case) -> None:
    code = mailed_code(case)
    assert code.encode() not in bytes(Code.objects.get(case=case).digest)


def test_another_address_must_be_confirmed_anew(case: Case) -> None:
    actions.confirm_code(case, mailed_code(case))
    actions.send_code(case, "other@example.org")
    assert case.proof == Proof.NONE


def test_a_code_mailed_to_one_address_does_not_confirm_another(case: Case) -> None:
    """The victim's address is given while the code of one's own still works."""
    own = mailed_code(case)
    actions.send_code(case, "victim@example.org")
    with pytest.raises((WrongCode, CodeExpired)):
        actions.confirm_code(case, own)
    assert case.proof == Proof.NONE


def test_mails_to_one_address_are_limited_over_all_cases() -> None:
    for _ in range(budgets.CODES.most):
        actions.send_code(actions.open_case("en"), "ana@example.org")
    with pytest.raises(TooManyCodes):
        actions.send_code(actions.open_case("en"), "Ana@Example.org")
    clock.move(timedelta(hours=1, seconds=1))
    actions.send_code(actions.open_case("en"), "ana@example.org")


def test_coming_back_answers_alike_for_unknown_references_and_wrong_codes() -> None:
    case = make_case(State.RECEIVED)
    for reference in (case.reference, "ZZZZ-ZZZZ"):
        with pytest.raises(CodeExpired):
            actions.confirm_return(reference, "000000")
        actions.send_return_code(reference, "nobody@example.org")


def test_a_draft_cannot_be_entered_with_its_reference(case: Case) -> None:
    code = mailed_code(case)
    with pytest.raises(CodeExpired):
        actions.confirm_return(case.reference, code)
