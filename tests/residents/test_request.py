"""One request from the first question to the reference, page by page."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.cases import queries
from portal.cases.models import Case, Route
from portal.cases.states import State
from portal.core import clock
from tests import builders
from tests.builders import mailed_code

pytestmark = pytest.mark.django_db

STEPS = ["contact", "code", "consent", "photo", "addresses", "check"]


def upload(content: bytes) -> dict[str, SimpleUploadedFile]:
    return {"photo": SimpleUploadedFile("Ana on 3 May.jpg", content, "image/jpeg")}


def begun(**answers: str) -> Client:
    """A browser that has answered the first question."""
    client = Client()
    client.post("/en/request/place/", {"place": "CA-ON", **answers})
    return client


def test_it_leads_from_question_to_question(drain: Callable[[], int]) -> None:
    client = Client()
    assert client.post("/en/request/place/", {"place": "CA-QC"}).headers["Location"] == "/en/request/contact/"
    asked = client.post("/en/request/contact/", {"contact": "ana@example.org"})
    assert asked.headers["Location"] == "/en/request/code/"
    drain()
    found = re.search(r"\b[0-9]{6}\b", str(mail.outbox[0].body))
    assert found
    told = client.post("/en/request/code/", {"code": f"{found.group()[:3]} {found.group()[3:]}"})
    assert told.headers["Location"] == "/en/request/consent/"
    agreed = client.post("/en/request/consent/", {"route": "addresses", "agreed": "on"})
    assert agreed.headers["Location"] == "/en/request/addresses/"
    given = client.post("/en/request/addresses/", {"addresses": "https://a.example/1.jpg\n\nb.example/2.jpg\n"})
    assert given.headers["Location"] == "/en/request/check/"
    checked = client.get("/en/request/check/").content.decode()
    assert "Quebec" in checked
    assert "b.example/2.jpg" in checked
    assert client.post("/en/request/check/").headers["Location"] == "/en/request/done/"
    case = Case.objects.get()
    assert case.state == State.RECEIVED
    assert case.reference in client.get("/en/request/done/").content.decode()


def test_it_leaves_no_record_of_who_only_looks() -> None:
    client = Client()
    client.get("/en/")
    client.get("/en/request/place/")
    client.post("/en/request/place/", {"place": "nowhere"})
    assert not Case.objects.exists()


def test_it_takes_a_photo_and_shows_it_to_its_owner_alone() -> None:
    case = builders.make_case(route=Route.PHOTO)
    ana = builders.session_of(case)
    address = f"/en/request/own-photo/{case.photos.get().number}/"
    shown = ana.get(address)
    assert shown.headers["Content-Type"] == "image/jpeg"
    assert "no-store" in shown.headers["Cache-Control"]
    bo = builders.session_of(builders.make_case(address="bo@example.org"))
    assert bo.get(address).status_code == 404
    assert Client().get(address).status_code == 302


def test_it_no_longer_shows_the_photo_once_sent() -> None:
    case = builders.make_case(State.RECEIVED, route=Route.PHOTO)
    ana = builders.session_of(case)
    assert ana.get(f"/en/request/own-photo/{case.photos.get().number}/").status_code == 404


@pytest.mark.parametrize("step", STEPS)
def test_it_sends_strangers_to_the_start_and_says_why(step: str) -> None:
    answer = Client().get(f"/en/request/{step}/", follow=True)
    assert answer.redirect_chain == [("/en/", 302)]
    assert "We do not know which request is yours" in answer.content.decode()


@pytest.mark.parametrize("step", STEPS[1:])
def test_it_does_not_let_a_question_be_skipped(step: str) -> None:
    assert begun().get(f"/en/request/{step}/").headers["Location"] == "/en/request/contact/"


@pytest.mark.parametrize("state", [State.RECEIVED, State.WITHDRAWN, State.EXPIRED])
def test_it_lets_the_same_browser_begin_another_request(state: State) -> None:
    earlier = builders.make_case(state)
    ana = builders.session_of(earlier)
    assert ana.post("/en/request/place/", {"place": "CA-QC"}).headers["Location"] == "/en/request/contact/"
    assert Case.objects.get(state=State.DRAFT).place == "CA-QC"
    earlier.refresh_from_db()
    assert earlier.place == "CA-ON"


def test_it_lets_the_same_browser_begin_another_request_once_one_is_finished() -> None:
    earlier = builders.make_case(State.REVIEW)
    ana = builders.session_of(earlier)
    assert earlier.slot_at
    clock.move(earlier.slot_at - clock.now() + timedelta(seconds=1))
    finished = ana.get("/en/status/case/").content.decode()
    assert "We have finished" in finished
    assert "Go to the start page" in finished
    assert "Start now" in ana.get("/en/").content.decode()
    assert ana.post("/en/request/place/", {"place": "CA-QC"}).headers["Location"] == "/en/request/contact/"
    begun_now = Case.objects.get(state=State.DRAFT)
    assert begun_now.reference != earlier.reference
    assert ana.get("/en/request/contact/").status_code == 200


@pytest.mark.parametrize("step", STEPS)
def test_it_opens_no_question_after_sending(step: str) -> None:
    ana = builders.session_of(builders.make_case(State.RECEIVED))
    assert ana.get(f"/en/request/{step}/").headers["Location"] == "/en/status/case/"


@pytest.mark.parametrize("step", ["place", *STEPS])
def test_it_refuses_other_methods(step: str) -> None:
    assert Client().delete(f"/en/request/{step}/").status_code == 405


@pytest.mark.parametrize("page", ["request/own-photo/1/", "request/done/", "status/case/", "about/", ""])
def test_it_takes_no_post_where_there_is_nothing_to_send(page: str) -> None:
    assert Client().post(f"/en/{page}").status_code == 405


@pytest.mark.parametrize("step", ["contact", "consent", "photo", "check"])
def test_it_keeps_personal_pages_out_of_every_cache(step: str) -> None:
    ana = builders.session_of(builders.make_case(route=Route.PHOTO))
    assert "no-store" in ana.get(f"/en/request/{step}/").headers["Cache-Control"]


def test_it_returns_to_the_check_after_a_change() -> None:
    case = builders.make_case()
    ana = builders.session_of(case)
    changed = ana.post("/en/request/place/", {"place": "CA-BC"})
    assert changed.headers["Location"] == "/en/request/check/"
    assert "British Columbia" in ana.get("/en/request/check/").content.decode()


def test_it_asks_for_a_code_again_when_the_address_changes() -> None:
    case = builders.make_case()
    ana = builders.session_of(case)
    assert ana.post("/en/request/contact/", {"contact": "new@example.org"}).headers["Location"] == ("/en/request/code/")
    assert ana.post("/en/request/check/").headers["Location"] == "/en/request/code/"
    case.refresh_from_db()
    assert queries.draft(case).contact_confirmed is False


def test_it_keeps_what_was_typed_when_it_is_wrong() -> None:
    client = begun()
    page = client.post("/en/request/contact/", {"contact": "ana@"}).content.decode()
    assert '<a href="#id_contact">Enter an email address in the right form' in page
    assert 'value="ana@"' in page
    assert "<title>Error:" in page


def test_it_says_how_many_tries_are_left_and_then_sends_a_new_code() -> None:
    client = begun()
    client.post("/en/request/contact/", {"contact": "ana@example.org"})
    code = mailed_code(Case.objects.get())
    wrong = f"{(int(code) + 1) % 10**6:06}"
    assert "4 more tries" in client.post("/en/request/code/", {"code": wrong}).content.decode()
    for _ in range(3):
        client.post("/en/request/code/", {"code": wrong})
    assert "no longer works" in client.post("/en/request/code/", {"code": wrong}).content.decode()
    assert "no longer works" in client.post("/en/request/code/", {"code": code}).content.decode()
    again = client.post("/en/request/new-code/", follow=True)
    assert "We have sent you a new code" in again.content.decode()


def test_it_stops_mailing_codes_after_a_while() -> None:
    client = begun()
    for _ in range(5):
        client.post("/en/request/contact/", {"contact": "ana@example.org"})
    page = client.post("/en/request/contact/", {"contact": "ana@example.org"})
    assert "Wait 1 hour" in page.content.decode()


def test_it_names_the_lines_that_are_no_addresses() -> None:
    ana = builders.session_of(builders.make_case())
    typed = "https://a.example/1.jpg\nmy photo\n/2.jpg"
    page = ana.post("/en/request/addresses/", {"addresses": typed}).content.decode()
    assert "Lines 2, 3 are not web addresses" in page
    assert "my photo" in page


def test_it_stops_and_forgets_a_draft(drain: Callable[[], int]) -> None:
    case = builders.make_case(route=Route.PHOTO)
    ana = builders.session_of(case)
    answer = ana.post("/en/withdraw/", follow=True)
    assert "We have deleted everything you gave us" in answer.content.decode()
    drain()
    case.refresh_from_db()
    assert case.contact_sealed is None
    assert not case.photos.exists()


def test_it_mails_in_the_language_read_last() -> None:
    client = begun()
    client.post("/fr/request/contact/", {"contact": "ana@example.org"})
    assert Case.objects.get().language == "fr"
