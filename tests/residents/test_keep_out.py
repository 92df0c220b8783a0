"""The choice to be kept out, and the page of whoever made it."""

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from matching.models import Block
from portal.blocks import choices, codes
from portal.blocks.models import Choice
from portal.cases.models import Case, Probe, Route
from portal.cases.states import State
from portal.core import clock
from portal.policies import budgets, retention
from tests import builders

pytestmark = pytest.mark.django_db
STEP, PAGE, YOURS = "/en/request/keep-out/", "/en/keep-out/", "/en/keep-out/yours/"


@pytest.fixture
def draft() -> Case:
    return builders.make_case(route=Route.PHOTO)


@pytest.fixture
def holder() -> tuple[Client, Case]:
    """A browser that knows nothing but a code, and the case it came from, sent in."""
    case = builders.make_case(State.RECEIVED, route=Route.PHOTO, keep_out=True)
    return Client(), case


def end_of_term() -> date:
    ends_on = Choice.objects.get().ends_on
    assert ends_on is not None
    return ends_on


def enter(browser: Client, code: str) -> str:
    return browser.post(PAGE, {"code": code}, follow=True).content.decode()


def test_nothing_is_chosen_beforehand_and_an_answer_is_asked_for(draft: Case) -> None:
    ana = builders.session_of(draft)
    assert " checked" not in ana.get(STEP).content.decode()
    assert "Select whether you want to be kept out." in ana.post(STEP).content.decode()
    assert not Choice.objects.exists()


def test_the_first_photo_leads_to_the_question_and_a_request_goes_without_an_answer(draft: Case) -> None:
    draft.photos.all().delete()
    Probe.objects.all().delete()
    ana = builders.session_of(draft)
    photo = SimpleUploadedFile("me.jpg", builders.astronaut_jpeg(), "image/jpeg")
    assert ana.post("/en/request/photo/", {"photo": photo})["Location"] == STEP
    assert "No: you keep nothing of me" in ana.get("/en/request/check/").content.decode()
    assert ana.post("/en/request/check/")["Location"] == "/en/request/done/"
    assert not Choice.objects.exists()
    assert "keep-out code" not in ana.get("/en/request/done/").content.decode()


def test_the_code_is_shown_until_the_slot_and_told_in_no_mail(draft: Case, drain: Callable[[], int]) -> None:
    ana = builders.session_of(draft)
    assert ana.post(STEP, {"keep_out": "yes"})["Location"] == "/en/request/check/"
    assert "Yes: you keep a template" in ana.get("/en/request/check/").content.decode()
    code = codes.of(draft.key_id)
    assert code not in ana.get("/en/request/check/").content.decode()
    ana.post("/en/request/check/")
    drain()
    for path in ("/en/request/done/", "/en/status/case/"):
        assert code in ana.get(path).content.decode()
    received = next(str(sent.body) for sent in mail.outbox if "keep-out code" in str(sent.body))
    assert "http://testserver/en/keep-out/" in received
    assert not any(code in str(sent.body) for sent in mail.outbox)
    clock.move(timedelta(days=7, minutes=1))
    for path in ("/en/request/done/", "/en/status/case/"):
        assert code not in ana.get(path).content.decode()


def test_the_choice_can_be_changed_until_the_request_is_sent(draft: Case) -> None:
    ana = builders.session_of(draft)
    ana.post(STEP, {"keep_out": "yes"})
    assert re.search(r'value="yes"[^>]* checked', ana.get(STEP).content.decode())
    assert enter(Client(), codes.of(draft.key_id)).count("We do not know this code")
    ana.post(STEP, {"keep_out": "no"})
    assert not Choice.objects.exists()


def test_without_a_photo_the_question_is_not_asked() -> None:
    ana = builders.session_of(builders.make_case())
    assert ana.get(STEP)["Location"] == "/en/request/check/"
    assert "Kept out" not in ana.get("/en/request/check/").content.decode()


def test_its_code_opens_it_and_nothing_else(holder: tuple[Client, Case]) -> None:
    browser, case = holder
    page = enter(browser, codes.of(case.key_id).lower())
    assert "You asked to be kept out" in page
    assert case.reference not in page
    assert "Photos kept out since" not in page
    for path in ("/en/status/case/", "/en/request/done/"):
        assert case.reference not in browser.get(path, follow=True).content.decode()


def test_only_who_may_see_counts_sees_how_often(holder: tuple[Client, Case], drain: Callable[[], int]) -> None:
    browser, case = holder
    drain()
    Block.objects.update(refused=7)
    assert "Photos kept out since" not in enter(browser, codes.of(case.key_id))
    assert case.slot_at is not None
    choices.begin(case.code, at=case.slot_at, may_see_count=True)
    assert re.search(r"Photos kept out since</dt>\s*<dd[^>]*>7<", browser.get(YOURS).content.decode())


def test_it_is_renewed_and_ended_by_its_holder(holder: tuple[Client, Case], drain: Callable[[], int]) -> None:
    browser, case = holder
    drain()
    code = codes.of(case.key_id)
    enter(browser, code)
    clock.move(timedelta(days=100))
    before = end_of_term()
    enter(browser, code)
    assert "Renewed." in browser.post("/en/keep-out/renew/", follow=True).content.decode()
    assert end_of_term() > before
    assert timedelta() <= end_of_term() - clock.today() - retention.BLOCK.kept_for <= timedelta(days=1)
    assert Block.objects.get().state == "active"
    browser.get("/en/keep-out/end/")
    assert "Ended." in browser.post("/en/keep-out/end/", follow=True).content.decode()
    assert Block.objects.get().state == "revoked"
    assert browser.get(YOURS)["Location"] == PAGE
    assert "We do not know this code" in enter(Client(), code)


@pytest.mark.parametrize("path", [YOURS, "/en/keep-out/end/"])
def test_another_person_is_asked_for_a_code(holder: tuple[Client, Case], ana: Client, path: str) -> None:
    assert ana.get(path)["Location"] == PAGE
    assert ana.post("/en/keep-out/renew/")["Location"] == PAGE


def test_looking_changes_nothing(holder: tuple[Client, Case]) -> None:
    browser, case = holder
    enter(browser, codes.of(case.key_id))
    assert browser.get("/en/keep-out/renew/").status_code == 405
    assert browser.post(YOURS).status_code == 405
    browser.get("/en/keep-out/end/")
    assert Choice.objects.exists()


def test_codes_are_tried_so_often_and_no_more(holder: tuple[Client, Case]) -> None:
    browser, case = holder
    for _ in range(budgets.KEEP_OUT_CODES.most):
        assert "We do not know this code" in enter(browser, "A" * 20)
    assert "Wait 1 hour" in enter(browser, codes.of(case.key_id))
    clock.move(timedelta(hours=1, seconds=1))
    assert "You asked to be kept out" in enter(browser, codes.of(case.key_id))
    assert "twenty letters and digits. Check it" in enter(browser, "nonsense")


def test_everyone_is_told_when_the_index_has_moved_to_another_pack(
    holder: tuple[Client, Case], drain: Callable[[], int]
) -> None:
    browser, case = holder
    drain()
    assert "another face recogniser" not in browser.get(PAGE).content.decode()
    Block.objects.update(recogniser="0" * 64)
    assert "another face recogniser" in browser.get(PAGE).content.decode()
    assert "another face recogniser" in enter(browser, codes.of(case.key_id))
