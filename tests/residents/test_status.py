"""Coming back to a request with its reference and a mailed code, and stopping it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client

from portal.cases.states import State
from portal.core import clock
from tests import builders
from tests.builders import mailed_code

pytestmark = pytest.mark.django_db


def ask(client: Client, reference: str, contact: str) -> str:
    answer = client.post("/en/status/", {"reference": reference, "contact": contact}, follow=True)
    return _without_tokens(answer.content.decode().replace(reference, "REFERENCE"))


def test_it_opens_the_request_to_who_can_read_the_mail() -> None:
    case = builders.make_case(State.RECEIVED)
    client = Client()
    ask(client, case.reference, "ana@example.org")
    opened = client.post("/en/status/code/", {"code": mailed_code(case)}, follow=True)
    assert opened.redirect_chain == [("/en/status/case/", 302)]
    assert case.reference in opened.content.decode()


def test_it_answers_the_same_whether_or_not_there_is_such_a_request(drain: Callable[[], int]) -> None:
    case = builders.make_case(State.RECEIVED)
    drain()
    mail.outbox.clear()
    unknown = ask(Client(), "0000-0000", "ana@example.org")
    wrong_address = ask(Client(), case.reference, "eve@example.org")
    drain()
    assert mail.outbox == []
    assert unknown == wrong_address == ask(Client(), case.reference, "ana@example.org")


def test_it_says_the_same_of_a_wrong_code_and_of_an_unknown_request() -> None:
    case = builders.make_case(State.RECEIVED)
    code = mailed_code(case)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    pages = []
    for reference in (case.reference, "0000-0000"):
        client = Client()
        ask(client, reference, "ana@example.org")
        page = client.post("/en/status/code/", {"code": wrong}).content.decode()
        pages.append(page.replace(reference, "REFERENCE"))
    assert "The code is not right or no longer works" in pages[0]
    assert _without_tokens(pages[0]) == _without_tokens(pages[1])


def _without_tokens(page: str) -> str:
    return "\n".join(line for line in page.splitlines() if "csrfmiddlewaretoken" not in line)


def test_it_reads_a_reference_as_people_write_it() -> None:
    page = ask(Client(), "7k3mo9tx", "ana@example.org")
    assert "7K3M-09TX" in page


def test_it_opens_no_draft_by_its_reference() -> None:
    case = builders.make_case()
    client = Client()
    ask(client, case.reference, "ana@example.org")
    page = client.post("/en/status/code/", {"code": mailed_code(case)})
    assert "no longer works" in page.content.decode()


@pytest.mark.parametrize("state", [State.REVIEW, State.ERASING, State.SETTLED])
def test_it_shows_no_difference_between_states(state: State) -> None:
    case, other = builders.make_case(state), builders.make_case(State.RECEIVED)
    now = clock.now()
    for one in (case, other):
        one.received_at, one.slot_at = now, now + timedelta(days=1)
        one.save()
    pages = [
        _without_tokens(builders.session_of(one).get("/en/status/case/").content.decode()).replace(
            one.reference, "REFERENCE"
        )
        for one in (case, other)
    ]
    assert pages[0] == pages[1]


def test_it_announces_the_end_in_one_text() -> None:
    case = builders.make_case(State.REVIEW)
    case.slot_at = clock.now() - timedelta(seconds=1)
    case.save()
    page = builders.session_of(case).get("/en/status/case/").content.decode()
    assert "We have finished" in page
    assert "We tell nobody with this kind of proof" in page


def test_it_withdraws_after_asking() -> None:
    case = builders.make_case(State.REVIEW)
    ana = builders.session_of(case)
    assert "Do you want to withdraw" in ana.get("/en/withdraw/").content.decode()
    case.refresh_from_db()
    assert case.state == State.REVIEW
    assert "You have withdrawn this request" in ana.post("/en/withdraw/", follow=True).content.decode()
    case.refresh_from_db()
    assert case.state == State.WITHDRAWN


def test_it_does_not_withdraw_what_is_finished() -> None:
    case = builders.make_case(State.SETTLED)
    case.slot_at = clock.now() - timedelta(seconds=1)
    case.save()
    answer = builders.session_of(case).post("/en/withdraw/", follow=True)
    assert "We have finished" in answer.content.decode()


def test_it_forgets_the_browser_that_leaves() -> None:
    ana = builders.session_of(builders.make_case(State.RECEIVED))
    assert ana.post("/en/status/leave/").headers["Location"] == "/en/"
    assert ana.get("/en/status/case/").headers["Location"] == "/en/"


@pytest.mark.parametrize("page", ["status/case/", "withdraw/", "request/done/"])
def test_it_knows_no_case_without_a_session(page: str) -> None:
    assert Client().get(f"/en/{page}").headers["Location"] == "/en/"


def test_it_asks_for_the_reference_before_the_code() -> None:
    assert Client().get("/en/status/code/").headers["Location"] == "/en/status/"
