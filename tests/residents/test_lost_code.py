"""A lost keep-out code is mailed to the address left for it; nobody else learns whether there was one."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.blocks import choices, codes, recovery
from portal.blocks.models import Asked, Choice
from portal.cases import actions
from portal.cases.models import Case, Route
from portal.cases.states import State
from portal.core import clock, keys
from portal.operations import retention
from portal.policies import budgets
from portal.policies import retention as rules
from tests import builders

pytestmark = pytest.mark.django_db
Drain = Callable[[], int]
STEP, PAGE, LOST = "/en/request/keep-out/", "/en/keep-out/", "/en/keep-out/lost/"
ADDRESS = "ana@example.org"


def kept_out_case(*, recoverable: bool = True, language: str = "en") -> Case:
    case = builders.make_case(route=Route.PHOTO, language=language, address=ADDRESS)
    actions.keep_out(case, wanted=True, recoverable=recoverable)
    actions.submit(case)
    case.refresh_from_db()
    return case


def ask(address: str, browser: Client | None = None) -> str:
    return (browser or Client()).post(LOST, {"address": address}, follow=True).content.decode()


def mails_with_a_code(drain: Drain) -> list[mail.EmailMessage]:
    """Sent once the time has come at which what was asked for is looked for."""
    mail.outbox.clear()
    clock.move(settings.PUBLISH_EVERY)
    drain()
    return [sent for sent in mail.outbox if "keep-out" in sent.subject or "mise à l’écart" in sent.subject]


def without_chance(page: str) -> str:
    return re.sub(r'csrfmiddlewaretoken" value="[^"]+"', "", page)


def test_the_code_is_mailed_at_a_fixed_time_and_opens_the_page(drain: Drain) -> None:
    case = kept_out_case()
    code = codes.of(case.key_id)
    drain()
    mail.outbox.clear()
    clock.move(timedelta(days=60))  # the request is closed, and its key long gone
    drain()
    assert not keys.exists(case.key_id)
    mail.outbox.clear()
    ask(" Ana@Example.org")
    drain()
    assert mail.outbox == []
    (sent,) = mails_with_a_code(drain)
    assert sent.to == [ADDRESS]
    assert code in str(sent.body)
    assert "http://testserver/en/keep-out/" in str(sent.body)
    assert "You asked to be kept out" in Client().post(PAGE, {"code": code}, follow=True).content.decode()


def test_every_address_gets_the_same_answer(drain: Drain) -> None:
    kept_out_case()
    answers = {without_chance(ask(address)) for address in (ADDRESS, "bo@example.org")}
    assert len(answers) == 1
    assert "If a code was left for this address, we mail it at" in answers.pop()
    assert [sent.to for sent in mails_with_a_code(drain)] == [[ADDRESS]]


def test_nothing_is_looked_up_while_somebody_waits() -> None:
    kept_out_case()
    with CaptureQueriesContext(connection) as queries:
        recovery.ask(ADDRESS)
    assert len(queries) > 1
    assert not any("blocks_choice" in query["sql"] for query in queries)


def test_who_was_refused_sees_no_difference(drain: Drain) -> None:
    case = kept_out_case()
    drain()
    choices.lift(case.code)
    drain()
    ask(ADDRESS)
    assert len(mails_with_a_code(drain)) == 1


@pytest.mark.parametrize("left", [False, None])
def test_whoever_left_no_address_gets_no_mail(left: bool | None, drain: Drain) -> None:
    if left is None:
        builders.make_case(State.RECEIVED, route=Route.PHOTO)
    else:
        kept_out_case(recoverable=left)
        assert Choice.objects.get().recovery_sealed is None
    ask(ADDRESS)
    assert mails_with_a_code(drain) == []


def test_with_the_block_the_address_is_gone(drain: Drain) -> None:
    kept_out_case()
    choice = Choice.objects.get()
    assert choice.recovery_key is not None
    assert keys.exists(choice.recovery_key)
    choices.revoke(choice)
    drain()
    assert not keys.exists(choice.recovery_key)
    ask(ADDRESS)
    assert mails_with_a_code(drain) == []


def test_what_was_asked_is_forgotten_once_it_was_looked_for(drain: Drain) -> None:
    for _ in range(2):  # twice by the same person, mailed once
        ask(ADDRESS)
    kept_out_case()
    asked = list(Asked.objects.all())
    assert len(mails_with_a_code(drain)) == 1
    assert not Asked.objects.exists()
    assert not any(keys.exists(each.pk) for each in asked)


def test_what_nobody_came_to_look_for_is_forgotten_too() -> None:
    ask(ADDRESS)
    asked = Asked.objects.get()
    clock.move(rules.LOST_CODE.kept_for - timedelta(minutes=1))
    retention.run("")
    assert keys.exists(asked.pk)
    clock.move(timedelta(minutes=2))
    retention.run("")
    assert not Asked.objects.exists()
    assert not keys.exists(asked.pk)


def test_a_mail_server_that_is_away_loses_nothing(drain: Drain, monkeypatch: pytest.MonkeyPatch) -> None:
    kept_out_case()
    ask(ADDRESS)

    def away(*_args: object) -> int:
        raise ConnectionError

    with monkeypatch.context() as down:
        down.setattr(mail.EmailMessage, "send", away)
        assert mails_with_a_code(drain) == []
    assert Asked.objects.exists()
    clock.move(timedelta(hours=1))
    mail.outbox.clear()
    drain()
    assert [sent.to for sent in mail.outbox if "keep-out" in sent.subject] == [[ADDRESS]]


def test_a_stolen_database_names_no_address() -> None:
    kept_out_case()
    ask(ADDRESS)
    ask("a-much-longer-address-than-the-other-one@example.org")
    stored = [bytes(Choice.objects.get().recovery_sealed or b""), *(bytes(each.sealed) for each in Asked.objects.all())]
    assert len({len(each) for each in stored}) == 1
    assert not any(b"example" in each for each in stored)


def test_it_is_restored_with_the_choice(drain: Drain) -> None:
    case = kept_out_case()
    choice = Choice.objects.get()
    row = {name: getattr(choice, name) for name in ("recovery_key", "code_digest")}
    said = choices._said(case.code)
    Choice.objects.all().delete()
    choices.replay_note(case.code, said)
    assert {name: getattr(Choice.objects.get(), name) for name in row} == row
    ask(ADDRESS)
    assert len(mails_with_a_code(drain)) == 1


def test_the_box_is_empty_beforehand_and_can_be_emptied_again() -> None:
    case = builders.make_case(route=Route.PHOTO)
    ana = builders.session_of(case)
    assert " checked" not in ana.get(STEP).content.decode()
    ana.post(STEP, {"keep_out": "yes", "recoverable": "on"})
    assert re.search(r'name="recoverable"[^>]* checked', ana.get(STEP).content.decode())
    assert "and my email address, to mail me the code" in ana.get("/en/request/check/").content.decode()
    ana.post(STEP, {"keep_out": "yes"})
    assert "and my email address" not in ana.get("/en/request/check/").content.decode()
    ana.post("/en/request/check/")
    assert Choice.objects.get().recovery_sealed is None
    assert not Entry.objects.filter(tag=Tag.BLOCK_ADDRESS_LEFT).exists()


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Your keep-out code is"), ("fr", "Votre code de mise à l’écart est")]
)
def test_the_mail_is_in_the_language_of_the_request(language: str, words: str, drain: Drain) -> None:
    kept_out_case(language=language)
    ask(ADDRESS)
    (sent,) = mails_with_a_code(drain)
    assert words in str(sent.body)
    assert "{{" not in str(sent.body)
    assert "&" not in str(sent.body)


def test_it_is_asked_for_so_often_and_no_more() -> None:
    browser = Client()
    for _ in range(budgets.LOST_CODES.most):
        assert "If a code was left" in ask(ADDRESS, browser)
    assert "You have asked too often" in ask(ADDRESS, browser)
    assert Asked.objects.count() == budgets.LOST_CODES.most


def test_it_wants_an_address() -> None:
    assert "Enter your email address." in ask("")
    assert "in the right form" in ask("nobody")
    assert not Asked.objects.exists()


def test_it_is_asked_for_or_looked_at() -> None:
    assert Client().get(LOST).status_code == 200
    assert Client().put(LOST).status_code == 405
