"""The frame of the pages: it names the role of whoever is signed in, and each of its links leads somewhere."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.test import Client

from portal.accounts.models import User
from portal.cases.states import State
from tests import builders

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "regulator"])
TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
LANGUAGES = pytest.mark.parametrize("language", ["en", "fr"])
PARTS = {
    "staff": {"en": "Staff", "fr": "Personnel"},
    "regulator": {"en": "Regulators", "fr": "Autorités"},
    "stranger": {"en": "Staff and regulators", "fr": "Personnel et autorités"},
}
HOME = {"staff": "staff/", "regulator": "regulator/", "stranger": "staff/sign-in/"}


class Frame(HTMLParser):
    """The addresses of all links outside of <main>, and how the header names the part of the site."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self._in_main = False
        self.feed(page)
        named = re.search(r'staff-header__part">([^<]+)<', page)
        self.part = named.group(1) if named else ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_main |= tag == "main"
        address = dict(attrs).get("href") or ""
        if tag == "a" and not self._in_main and not address.startswith("#"):
            self.links.append(address)

    def handle_endtag(self, tag: str) -> None:
        self._in_main &= tag != "main"


@pytest.fixture
def browsers(sam_client: Client, rita_client: Client) -> dict[str, Client]:
    return {"staff": sam_client, "regulator": rita_client, "stranger": Client()}


def opened(browser: Client, address: str) -> Frame:
    answer = browser.get(address, follow=True)
    assert answer.status_code == 200, address
    return Frame(answer.content.decode())


@LANGUAGES
@pytest.mark.parametrize("role", PARTS)
def test_every_link_around_a_page_leads_somewhere_and_the_role_is_named(
    browsers: dict[str, Client], role: str, language: str
) -> None:
    first = opened(browsers[role], f"/{language}/{HOME[role]}")
    assert first.part == PARTS[role][language]
    assert first.links[0] == f"/{language}/{HOME[role]}"
    for address in first.links:
        shown = opened(browsers[role], address)
        other = "fr" if language == "en" else "en"
        assert shown.part in ("", PARTS[role][other if address.startswith(f"/{other}/") else language])


def pages_of_a_resident() -> Iterator[tuple[Client, str]]:
    for state in (State.DRAFT, State.REVIEW, State.WITHDRAWN):
        yield (
            builders.session_of(builders.make_case(state)),
            "status/case/" if state != State.DRAFT else "request/check/",
        )
    yield Client(), ""


@LANGUAGES
def test_every_link_around_a_residents_page_leads_somewhere(language: str) -> None:
    for browser, path in pages_of_a_resident():
        links = opened(browser, f"/{language}/{path}").links
        leaving = f"/{language}/exit/"  # to another site, see tests/residents/test_turn_to.py
        assert leaving in links
        for address in links:
            if address != leaving:
                opened(browser, address)


def test_templates_ask_an_account_only_for_what_it_has() -> None:
    """A name that is not there reads as false in a template, without a word."""
    asked = {name for file in TEMPLATES.rglob("*.html") for name in re.findall(r"\buser\.(\w+)", file.read_text())}
    assert "is_regulator" in asked
    account = User(name="sam")
    assert [name for name in sorted(asked) if not hasattr(account, name)] == []


def test_a_closed_account_has_no_role() -> None:
    for regulator in (True, False):
        account = builders.make_account(f"closed {regulator}", regulator=regulator)
        assert (account.is_regulator, account.is_reviewer) == (regulator, not regulator)
        account.is_active = False
        assert (account.is_regulator, account.is_reviewer) == (False, False)
