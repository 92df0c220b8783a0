"""How many cases and mails a visitor, a mailbox and all together may ask for; and what a first page leaves."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client

from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.cases import actions, visitor_budgets
from portal.cases.faults import TooManyCases, TooManyCodes
from portal.cases.models import Case
from portal.core import clock, keys
from portal.operations import retention
from portal.policies import budgets
from portal.policies.retention import DRAFT
from tests.builders import mailed_code, make_case, session_of

pytestmark = pytest.mark.django_db


def key_files() -> set[Path]:
    return set(Path(settings.KEY_STORE).rglob("*.key"))


def begin(client: Client) -> bool:
    """Whether a new case was begun."""
    before = Case.objects.count()
    client.post("/en/request/place/", {"place": "CA-ON"})
    return Case.objects.count() > before


def test_variants_of_one_mailbox_count_together() -> None:
    """`victim+N@` from one address, each in a case of its own."""
    sent = 0
    for number in range(25):
        client = Client()
        client.post("/en/request/place/", {"place": "CA-ON"})
        page = client.post("/en/request/contact/", {"contact": f"Victim+{number}@example.org"})
        sent += page.status_code == 302
    assert sent == budgets.CODES.most


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ana+1@example.org", "ana+2@example.org", True),
        ("ANA@Example.org", "ana@example.org", True),
        ("ana+1+2@example.org", "ana@example.org", True),
        ("ana@example.org", "bo@example.org", False),
        ("ana@example.org", "ana@example.com", False),
        ("+a@example.org", "+b@example.org", False),
    ],
)
def test_which_addresses_are_one_mailbox(one: str, other: str, same: bool) -> None:
    assert (visitor_budgets.mailbox(one) == visitor_budgets.mailbox(other)) == same


def test_one_visitor_begins_so_many_cases_an_hour_and_others_go_on() -> None:
    begun = [begin(Client()) for _ in range(budgets.CASES_OF_A_VISITOR.most + 1)]
    assert begun == [True] * budgets.CASES_OF_A_VISITOR.most + [False]
    page = Client().post("/en/request/place/", {"place": "CA-ON"}).content.decode()
    assert "as many new requests as we may" in page
    assert begin(Client(REMOTE_ADDR="198.51.100.7"))
    clock.move(timedelta(hours=1, seconds=1))
    assert begin(Client())


def test_one_subscriber_of_ipv6_is_one_visitor() -> None:
    begun = [
        begin(Client(REMOTE_ADDR=f"2001:db8::{number:x}")) for number in range(budgets.CASES_OF_A_VISITOR.most + 1)
    ]
    assert not begun[-1]
    assert begin(Client(REMOTE_ADDR="2001:db8:0:1::1"))


def test_one_visitor_asks_for_so_many_mails_an_hour_whatever_the_addresses() -> None:
    case = actions.open_case("en")
    for number in range(budgets.MAILS_OF_A_VISITOR.most):
        actions.send_return_code(f"AAAA-{number:04}", f"{number}@example.org", visitor="198.51.100.7")
    with pytest.raises(TooManyCodes):
        actions.send_code(case, "ana@example.org", visitor="198.51.100.7")
    actions.send_code(case, "ana@example.org", visitor="198.51.100.8")


def test_all_together_have_a_budget_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "CASES_OF_ALL", replace(budgets.CASES_OF_ALL, most=2))
    monkeypatch.setattr(budgets, "MAILS_OF_ALL", replace(budgets.MAILS_OF_ALL, most=1))
    cases = [actions.open_case("en", visitor=f"198.51.100.{number}") for number in range(2)]
    with pytest.raises(TooManyCases):
        actions.open_case("en", visitor="198.51.100.9")
    actions.send_code(cases[0], "ana@example.org", visitor="198.51.100.1")
    with pytest.raises(TooManyCodes):
        actions.send_code(cases[1], "bo@example.org", visitor="198.51.100.2")


def test_before_the_contact_is_confirmed_there_is_neither_a_key_nor_an_entry(drain: Callable[[], int]) -> None:
    before = key_files()
    for number in range(3):
        case = actions.open_case("en")
        actions.set_place(case, "CA-ON")
        actions.send_code(case, f"{number}@example.org")
    assert drain() == 3
    assert len(mail.outbox) == 3
    assert len(key_files() - before) <= 1  # of the day, for all of them
    assert not Entry.objects.exists()
    actions.confirm_code(case, mailed_code(case))
    assert keys.exists(case.key_id)
    assert keys.exists(case.proof_key_id)
    assert list(Entry.objects.order_by("pk").values_list("tag", flat=True)) == [
        Tag.CASE_OPENED,
        Tag.CASE_CONTACT_CONFIRMED,
    ]
    assert session_of(case).get("/en/request/consent/").status_code == 200


def test_an_address_that_was_never_confirmed_goes_without_a_trace(drain: Callable[[], int]) -> None:
    confirmed, waiting = make_case(), actions.open_case("en")
    actions.send_code(waiting, "bo@example.org")
    entries = Entry.objects.count()
    clock.move(DRAFT.kept_for + timedelta(minutes=1))
    retention.run("")
    assert list(Case.objects.values_list("pk", flat=True)) == [confirmed.pk]
    assert Entry.objects.count() == entries
    before = key_files()
    clock.move(timedelta(days=2))
    retention.run("")
    assert len(before - key_files()) >= 1
    drain()  # the mail of a case that is gone is nobody's


def test_an_unconfirmed_draft_that_is_withdrawn_is_gone() -> None:
    case = actions.open_case("en")
    actions.send_code(case, "ana@example.org")
    answer = session_of(case).post("/en/withdraw/", follow=True)
    assert "We have deleted everything you gave us" in answer.content.decode()
    assert not Case.objects.exists()
    assert not Entry.objects.exists()
