"""The residents' way in a browser: without JavaScript, in both languages, narrow and wide, checked by axe."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core import mail
from playwright.sync_api import Route as Intercepted

from portal.cases.models import Case, Route
from portal.cases.states import State
from tests import builders
from tests.browser.conftest import WIDTHS, Visitor

Drain = Callable[[], int]
SIZES = pytest.mark.parametrize("width", WIDTHS)
LANGUAGES = pytest.mark.parametrize("language", ["en", "fr"])

PUBLIC = {
    "home": "",
    "place": "request/place/",
    "status": "status/",
    "about": "about/",
    "help": "help/",
    "privacy": "privacy/",
    "accessibility": "accessibility/",
    "keep-out-code": "keep-out/",
    "mailbox": "mailbox/",
    "not-found": "nowhere/",
}
OF_DRAFT = ("place", "contact", "code", "consent", "without-consent", "photo", "keep-out", "check")


def mailed_code() -> str:
    found = re.search(r"\b[0-9]{6}\b", str(mail.outbox[-1].body))
    assert found
    return found.group()


@SIZES
@LANGUAGES
def test_it_shows_public_pages_to_everyone(visit: Visitor, language: str, width: int) -> None:
    window = visit(width=width)
    for name, path in PUBLIC.items():
        window.go(f"/{language}/{path}")
        window.check(name)


@SIZES
@LANGUAGES
def test_it_shows_each_step_and_its_errors(visit: Visitor, language: str, width: int, db: None) -> None:
    case = builders.make_case(route=Route.PHOTO)
    window = visit(builders.session_of(case), width=width)
    for step in OF_DRAFT:
        window.go(f"/{language}/request/{step}/")
        window.check(step)
    for step in ("code", "photo", "keep-out"):
        window.go(f"/{language}/request/{step}/")
        window.page.locator("form[novalidate] button").click()
        window.page.locator(".govuk-error-summary").wait_for()
        assert window.page.title().startswith(("Error: ", "Erreur"))
        window.check(f"{step}-error")
    window.go(f"/{language}/request/consent/")
    window.page.locator("[name=route][value=addresses]").check()
    window.page.locator("[name=agreed]").check()
    window.page.locator("form[novalidate] button").click()
    window.page.locator("[name=drop]").wait_for()
    window.check("change-route")
    window.go(f"/{language}/withdraw/")
    window.check("withdraw")


@SIZES
@LANGUAGES
@pytest.mark.parametrize("state", [State.REVIEW, State.WITHDRAWN])
def test_it_shows_a_request_that_was_sent(visit: Visitor, language: str, width: int, state: State, db: None) -> None:
    window = visit(builders.session_of(builders.make_case(state)), width=width)
    window.go(f"/{language}/request/done/")
    window.check("done")
    window.go(f"/{language}/status/case/")
    window.check(f"case-{state}")


def test_it_takes_a_request_without_javascript(visit: Visitor, drain: Drain, tmp_path: Path) -> None:
    selfie = tmp_path / "selfie.jpg"
    selfie.write_bytes(builders.astronaut_jpeg())
    window = visit(width=320, javascript=False)
    window.go("/en/")
    window.page.get_by_role("button", name="Start now").click()
    window.page.get_by_label("Ontario").check()
    window.press("Continue")
    window.page.get_by_label("What is your email address?").fill("ana@example.org")
    window.press("Continue")
    drain()
    window.page.get_by_label("Enter the code we sent you").fill(mailed_code())
    window.press("Continue")
    window.page.get_by_label("With a photo of your face").check()
    window.page.get_by_label("I agree").check()
    window.press("Continue")
    window.page.get_by_label("Choose or take a photo").set_input_files(selfie)
    window.press("Continue")
    window.page.get_by_label("No, keep nothing of me").check()
    window.press("Continue")
    assert window.heading == "Check your answers"
    window.press("Send the request")
    assert window.heading == "We have your request"
    assert window.page.locator(".portal-reference").inner_text() == Case.objects.get().reference
    assert window.strange == []


def test_it_lets_the_sender_come_back_without_javascript(visit: Visitor, drain: Drain, db: None) -> None:
    case = builders.make_case(State.RECEIVED)
    window = visit(javascript=False)
    window.go("/en/status/")
    window.page.get_by_label("Reference of your request").fill(case.reference.lower())
    window.page.get_by_label("Your email address").fill("ana@example.org")
    window.press("Continue")
    drain()
    code = next(str(m.body) for m in reversed(mail.outbox) if m.subject == "Your code")
    window.page.get_by_label("Enter the code").fill(re.findall(r"\b[0-9]{6}\b", code)[0])
    window.press("Continue")
    assert window.heading == "We are working on your request"


def weather(route: Intercepted) -> None:
    """The portal's own answer, and a page of ours in the place of the one on the web to which it leads."""
    answer = route.fetch(max_redirects=0)
    assert answer.headers["location"] == "https://weather.gc.ca/"
    route.fulfill(body="Sunny", content_type="text/plain")


@pytest.mark.parametrize("by", ["link", "key"])
def test_exit_takes_the_place_of_the_page_in_the_history(visit: Visitor, by: str, db: None) -> None:
    window = visit(builders.session_of(builders.make_case(State.RECEIVED)))
    window.page.route("**/exit/", weather)
    window.go("/en/about/")
    window.go("/en/status/case/")
    if by == "link":
        window.page.get_by_role("link", name="Exit this page").click()
    else:
        for _ in range(3):
            window.page.keyboard.press("Shift")
    window.page.get_by_text("Sunny").wait_for()
    window.page.go_back()
    assert window.page.url.endswith("/en/about/")
    window.go("/en/status/case/")
    assert window.page.url.endswith("/en/")  # the visit is over


def test_exit_works_without_javascript(visit: Visitor, db: None) -> None:
    window = visit(builders.session_of(builders.make_case(State.RECEIVED)), javascript=False)
    window.page.route("**/exit/", weather)
    window.go("/en/status/case/")
    window.page.get_by_role("link", name="Exit this page").click()
    window.page.get_by_text("Sunny").wait_for()
    window.go("/en/status/case/")
    assert window.page.url.endswith("/en/")


def test_typing_capitals_is_no_exit(visit: Visitor) -> None:
    window = visit()
    window.go("/en/keep-out/")
    window.page.get_by_label("Your keep-out code").focus()
    for letter in "ABCD":
        window.page.keyboard.press(f"Shift+{letter}")
    assert window.page.get_by_label("Your keep-out code").input_value() == "ABCD"
    assert window.page.url.endswith("/en/keep-out/")
