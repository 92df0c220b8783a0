"""Every page that speaks of a request, and every mail, says whom one can turn to."""

import re
from collections.abc import Callable

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client

from portal.blocks import recovery
from portal.cases import work
from portal.cases.models import Case, Route
from portal.cases.states import State
from portal.policies import contacts, statutes
from portal.residents import turn_to
from tests import builders

pytestmark = pytest.mark.django_db
LANGUAGES = pytest.mark.parametrize("language", ["en", "fr"])


def text_of(client: Client, path: str) -> str:
    page = client.get(path)
    assert page.status_code == 200
    return page.content.decode().replace("&#x27;", "'").replace("&amp;", "&")


@LANGUAGES
@pytest.mark.parametrize("place", statutes.PLACES)
def test_a_request_names_the_regulator_of_its_place(place: str, language: str) -> None:
    ana = builders.session_of(builders.make_case(State.RECEIVED, place=place))
    regulator = contacts.regulator_of(place, language)
    for path in ("request/done/", "status/case/", "status/"):
        page = text_of(ana, f"/{language}/{path}")
        assert regulator.name in page
        assert f'href="{regulator.page}"' in page
        assert regulator.post in page
        assert settings.OPERATOR_CONTACT in page
        assert settings.PRIVACY_OFFICER in page


@LANGUAGES
@pytest.mark.parametrize("path", ["about/", "privacy/", "help/"])
def test_pages_for_everyone_name_every_regulator(path: str, language: str) -> None:
    page = text_of(Client(), f"/{language}/{path}")
    for place in statutes.PLACES:
        regulator = contacts.regulator_of(place, language)
        assert regulator.name in page
        assert regulator.page in page
    assert settings.OPERATOR_CONTACT in page
    assert settings.PRIVACY_OFFICER in page
    assert settings.OPERATOR_ADDRESS in page


@LANGUAGES
def test_the_help_page_names_every_service_and_the_first_page_leads_there(language: str) -> None:
    page = text_of(Client(), f"/{language}/help/")
    for service in contacts.HELP:
        assert service.name.of(language) in page
        assert f'href="{service.page.of(language)}"' in page
        assert service.phone in page
    assert f'href="/{language}/help/"' in text_of(Client(), f"/{language}/")
    assert set(turn_to.AUDIENCES) == set(contacts.Audience)


def sent_to_ana(case: Case, drain: Callable[[], int]) -> dict[str, str]:
    """The text of each mail of a case, by name."""
    mail.outbox.clear()
    address = "ana@example.org"
    texts = {}
    for name in ("code", "received", "finished", "receipt"):
        work._mail(name, case, address=address, code="123456")  # the one way they all go
        texts[name] = str(mail.outbox[-1].body)
    recovery._send(recovery.Left(address, "AAAA", case.language))
    texts["keep_out_code"] = str(mail.outbox[-1].body)
    return texts


@LANGUAGES
@pytest.mark.parametrize("place", ["CA-QC", "CA-ON", "GB", "OTHER"])
def test_every_mail_names_the_operator_and_the_regulator(place: str, language: str, drain: Callable[[], int]) -> None:
    case = builders.make_case(State.RECEIVED, place=place, language=language)
    regulator = contacts.regulator_of(place, language)
    for name, text in sent_to_ana(case, drain).items():
        assert settings.OPERATOR_CONTACT in text, name
        assert settings.PRIVACY_OFFICER in text, name
        assert f"{settings.SITE_URL}/{language}/help/" in text, name
        if name != "keep_out_code":  # by then nobody knows any more where the reader lives
            assert regulator.name in text, name
            assert regulator.page in text, name
            assert regulator.post in text, name
        assert not re.search(r"&[a-z#]|\{\{|\{%", text), name
        assert "\n\n\n" not in text, name


def test_whoever_reads_an_address_that_was_mistyped_is_not_told_where_the_sender_lives(
    drain: Callable[[], int],
) -> None:
    client = Client()
    client.post("/en/request/place/", {"place": "CA-QC"})
    client.post("/en/request/contact/", {"contact": "somebody@example.org"})
    drain()
    text = str(mail.outbox[-1].body)
    assert contacts.QUEBEC.name.en not in text
    assert "/en/help/" in text


# --- leaving at once ---


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Referer": "http://testserver/en/status/"}])
@LANGUAGES
def test_exit_leads_to_the_weather_and_ends_the_visit(language: str, headers: dict[str, str]) -> None:
    ana = builders.session_of(builders.make_case(State.RECEIVED))
    assert f'href="/{language}/exit/"' in text_of(ana, f"/{language}/status/case/")
    answer = ana.get(f"/{language}/exit/", headers=headers)
    assert answer.headers["Location"] == contacts.HARMLESS_PAGE.of(language)
    assert "no-store" in answer.headers["Cache-Control"]
    assert ana.get(f"/{language}/status/case/").headers["Location"] == f"/{language}/"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site", "Referer": "http://testserver/en/"},
        {"Referer": "https://evil.example/"},
        {},
    ],
)
def test_a_link_on_another_site_ends_no_visit(headers: dict[str, str]) -> None:
    ana = builders.session_of(builders.make_case(State.RECEIVED))
    assert ana.get("/en/exit/", headers=headers).status_code == 302
    assert ana.get("/en/status/case/").status_code == 200


# --- consent ---


def test_refusing_consent_leads_to_the_other_ways() -> None:
    ana = builders.session_of(builders.make_case(place="CA-QC"))
    page = text_of(ana, "/en/request/consent/")
    assert 'href="/en/request/without-consent/"' in page
    ways = text_of(ana, "/en/request/without-consent/")
    assert contacts.QUEBEC.page.en in ways
    assert settings.OPERATOR_CONTACT in ways
    assert 'href="/en/withdraw/"' in ways
    assert 'href="/en/request/consent/"' in ways


def test_the_other_ways_are_for_whoever_has_begun() -> None:
    assert Client().get("/en/request/without-consent/").headers["Location"] == "/en/"


@pytest.mark.parametrize(("route", "other"), [(Route.PHOTO, "addresses"), (Route.ADDRESSES, "photo")])
def test_changing_the_way_warns_before_anything_is_dropped(route: Route, other: str) -> None:
    case = builders.make_case(route=route)
    ana = builders.session_of(case)
    warned = ana.post("/en/request/consent/", {"route": other, "agreed": "on"})
    assert "Delete what you gave" in warned.content.decode()
    case.refresh_from_db()
    assert case.route == route
    assert case.photos.exists() == (route == Route.PHOTO)
    assert ana.get("/en/request/check/").status_code == 200
    gone = ana.post("/en/request/consent/", {"route": other, "agreed": "on", "drop": "1"})
    assert gone.headers["Location"] == f"/en/request/{other}/"
    case.refresh_from_db()
    assert case.route == other
    assert not case.photos.exists()
    assert case.addresses_sealed is None


def test_choosing_the_same_way_again_warns_of_nothing() -> None:
    ana = builders.session_of(builders.make_case())
    answer = ana.post("/en/request/consent/", {"route": "addresses", "agreed": "on"})
    assert answer.headers["Location"] == "/en/request/check/"


def test_somewhere_else_says_what_applies() -> None:
    assert "federal privacy law (Personal Information Protection" in text_of(Client(), "/en/request/place/")
    ana = builders.session_of(builders.make_case(place="OTHER"))
    assert "Personal Information Protection and Electronic Documents Act" in text_of(ana, "/en/request/check/")
