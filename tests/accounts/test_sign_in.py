"""Signing in: one answer to every failure, few tries, nothing typed is kept."""

import re
import time
from datetime import timedelta
from ipaddress import ip_network

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from portal.accounts import devices, sign_in
from portal.accounts.models import Role, User
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.cases.models import Case
from portal.core import clock, limits
from portal.policies import budgets, retention
from tests import builders

PAGE = "/en/staff/sign-in/"
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def quick_hashes(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def sam_account(db: None) -> User:
    return User.objects.create(name="sam", role=Role.STAFF, password=PASSWORD)


@pytest.fixture
def rita_account(db: None) -> User:
    return User.objects.create(name="rita", role=Role.REGULATOR, password=PASSWORD)


def enter(client: Client, name: str, password: str = PASSWORD, **more: str) -> HttpResponse:
    return client.post(PAGE, {"name": name, "password": password, **more})  # type: ignore[return-value]  # stubs' own


def told(answer: HttpResponse, name: str) -> str:
    """The page without what differs every time: the form's token and the name that was typed."""
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", answer.content.decode()).replace(f'"{name}"', "")


def test_staff_land_in_the_queue_under_a_new_session_key(sam_account: User, client: Client) -> None:
    client.session.save()
    before = client.session.session_key
    answer = enter(client, "sam")
    assert (answer.status_code, answer["Location"]) == (302, "/en/staff/")
    assert client.session.session_key != before
    entry = Entry.objects.get(tag=Tag.SIGNED_IN)
    assert (entry.actor, entry.about) == (sam_account.pk, str(sam_account.pk))


def test_regulators_land_at_their_numbers(rita_account: User, client: Client) -> None:
    assert enter(client, "rita")["Location"] == "/en/regulator/"


def test_it_goes_on_to_the_page_that_was_asked_for(sam_account: User, client: Client) -> None:
    asked = client.get("/en/staff/system/")
    assert asked["Location"] == f"{PAGE}?next=/en/staff/system/"
    assert enter(client, "sam", next="/en/staff/system/")["Location"] == "/en/staff/system/"


@pytest.mark.parametrize(
    "away", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "\\\\evil.example"]
)
def test_it_never_goes_on_to_another_site(sam_account: User, client: Client, away: str) -> None:
    assert enter(client, "sam", next=away)["Location"] == "/en/staff/"


def test_every_failure_reads_the_same(sam_account: User, client: Client) -> None:
    User.objects.filter(pk=User.objects.create(name="gone", role=Role.STAFF, password=PASSWORD).pk).update(
        is_active=False
    )
    pages = {
        told(enter(client, "sam", "wrong"), "sam"),
        told(enter(client, "nobody", "wrong"), "nobody"),
        told(enter(client, "gone"), "gone"),
    }
    assert len(pages) == 1
    assert "<title>Error:" in pages.pop()


def test_what_was_typed_is_not_kept(sam_account: User, client: Client) -> None:
    enter(client, PASSWORD, "sam")
    enter(client, "sam", "my other password")
    entries = Entry.objects.filter(tag=Tag.SIGN_IN_FAILED)
    assert sorted(entry.about for entry in entries) == [str(sam_account.pk), "no account"]
    assert all(not entry.detail for entry in entries)


def test_after_too_many_tries_even_the_right_password_waits(sam_account: User, client: Client) -> None:
    for _ in range(budgets.SIGN_IN_TO_ACCOUNT_FROM_ADDRESS.most):
        enter(client, "sam", "wrong")
    assert "Too many attempts" in enter(client, "sam").content.decode()
    assert "Too many attempts" in enter(client, "SAM").content.decode()
    clock.move(budgets.SIGN_IN_TO_ACCOUNT_FROM_ADDRESS.per + timedelta(seconds=1))
    assert enter(client, "sam").status_code == 302


def test_wrong_passwords_from_elsewhere_keep_nobody_out(sam_account: User, client: Client) -> None:
    for _ in range(budgets.SIGN_IN_TO_ACCOUNT_FROM_ADDRESS.most + 2):
        enter(client, "sam", "wrong")
    assert enter(Client(REMOTE_ADDR="127.0.0.9"), "sam").status_code == 302


def spend_the_account(name: str) -> None:
    """As wrong passwords from many places would, none of which tries too often."""
    for _ in range(budgets.SIGN_IN_TO_ACCOUNT.most - 2):
        limits.take(sign_in.ACCOUNT, name, most=1, per=budgets.SIGN_IN_TO_ACCOUNT.per)
    for number in range(2):
        enter(Client(REMOTE_ADDR=f"198.51.100.{number}"), name, "wrong")


def test_guessing_from_many_places_is_stopped_but_not_on_a_device_that_signed_in_before(sam_account: User) -> None:
    own = Client(REMOTE_ADDR="127.0.0.9")
    assert enter(own, "sam").status_code == 302
    own.post("/en/staff/sign-out/")
    spend_the_account("sam")
    assert "Too many attempts" in enter(Client(REMOTE_ADDR="127.0.0.10"), "sam").content.decode()
    assert enter(own, "sam").status_code == 302


def test_a_known_device_is_not_kept_out_by_its_neighbours_and_has_few_tries_of_its_own(sam_account: User) -> None:
    own, neighbour = Client(), Client()
    enter(own, "sam")
    own.post("/en/staff/sign-out/")
    for number in range(budgets.SIGN_IN_FROM_ADDRESS.most):
        enter(neighbour, f"guess{number}", "wrong")
    assert enter(own, "sam").status_code == 302
    for _ in range(budgets.SIGN_IN_ON_DEVICE.most):
        enter(own, "sam", "wrong")
    assert "Too many attempts" in enter(own, "sam").content.decode()


def test_a_device_is_known_to_the_accounts_that_signed_in_from_it_alone(sam_account: User, rita_account: User) -> None:
    own = Client()
    enter(own, "rita")
    spend_the_account("sam")
    assert "Too many attempts" in enter(own, "sam").content.decode()


@pytest.mark.parametrize("forged", ["", "x", "WyJ4IiwgWzFdXQ:1u:x"])
def test_a_forged_device_is_unknown(sam_account: User, forged: str) -> None:
    spend_the_account("sam")
    liar = Client(REMOTE_ADDR="127.0.0.9")
    liar.cookies[devices.COOKIE] = forged
    assert "Too many attempts" in enter(liar, "sam").content.decode()


def test_the_cookie_of_a_device_is_closed_to_scripts(sam_account: User, client: Client) -> None:
    enter(client, "sam")
    kept = client.cookies[devices.COOKIE]
    assert kept["httponly"]
    assert kept["samesite"] == "Lax"
    assert "sam" not in kept.value


def test_the_limit_is_the_same_for_names_without_an_account(sam_account: User, client: Client) -> None:
    for name in ("sam", "nobody"):
        for _ in range(budgets.SIGN_IN_TO_ACCOUNT_FROM_ADDRESS.most):
            enter(client, name, "wrong")
    assert told(enter(client, "sam", "wrong"), "sam") == told(enter(client, "nobody", "wrong"), "nobody")


def test_one_address_cannot_try_one_account_after_another(sam_account: User, client: Client) -> None:
    for number in range(budgets.SIGN_IN_FROM_ADDRESS.most):
        enter(client, f"guess{number}", "wrong")
    assert "Too many attempts" in enter(client, "sam").content.decode()
    assert enter(Client(REMOTE_ADDR="127.0.0.9"), "sam").status_code == 302


def test_an_address_that_spent_its_tries_cannot_lock_out_an_account(sam_account: User, client: Client) -> None:
    for number in range(budgets.SIGN_IN_FROM_ADDRESS.most):
        enter(client, f"guess{number}", "wrong")
    for _ in range(budgets.SIGN_IN_TO_ACCOUNT.most):
        enter(client, "sam", "wrong")
    assert enter(Client(REMOTE_ADDR="127.0.0.9"), "sam").status_code == 302


def test_visitors_behind_a_trusted_proxy_are_told_apart(sam_account: User, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = [ip_network("127.0.0.0/8")]
    for number in range(budgets.SIGN_IN_FROM_ADDRESS.most):
        enter(Client(HTTP_X_FORWARDED_FOR=f"198.51.100.{number}, 203.0.113.5"), f"guess{number}", "wrong")
    blocked = enter(Client(HTTP_X_FORWARDED_FOR="198.51.100.99, 203.0.113.5"), "sam")
    assert "Too many attempts" in blocked.content.decode()
    assert enter(Client(HTTP_X_FORWARDED_FOR="203.0.113.6"), "sam").status_code == 302


def test_signing_in_rightly_is_not_counted(sam_account: User, client: Client) -> None:
    for _ in range(budgets.SIGN_IN_TO_ACCOUNT_FROM_ADDRESS.most + 2):
        assert enter(client, "sam").status_code == 302


def test_a_case_held_by_the_browser_does_not_follow_into_the_account(sam_account: User, ana_case: Case) -> None:
    ana = builders.session_of(ana_case)
    enter(ana, "sam")
    assert "case" not in ana.session


def test_signing_out_takes_a_post_and_ends_the_session(sam_account: User, client: Client) -> None:
    enter(client, "sam")
    assert client.get("/en/staff/sign-out/").status_code == 405
    assert client.post("/en/staff/sign-out/")["Location"] == PAGE
    assert client.get("/en/staff/").status_code == 302
    assert Entry.objects.filter(tag=Tag.SIGNED_OUT, actor=sam_account.pk).count() == 1


def test_it_says_what_is_missing(client: Client, db: None) -> None:
    page = client.post(PAGE, {"name": "sam"}).content.decode()
    assert "Enter your password" in page
    assert 'value="sam"' in page


def test_it_refuses_a_form_without_its_token(sam_account: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert enter(strict, "sam").status_code == 403


@pytest.mark.parametrize(
    ("name", "wanted", "own"),
    [("rita", "/en/staff/", "/en/regulator/"), ("sam", "/fr/regulator/numbers.csv?a=b", "/en/staff/")],
)
def test_a_page_of_the_other_role_is_not_gone_to(
    sam_account: User, rita_account: User, client: Client, name: str, wanted: str, own: str
) -> None:
    assert enter(client, name, next=wanted)["Location"] == own


@pytest.mark.parametrize("wanted", ["/en/about/", "/en/nowhere/", "/fr/staff/system/?a=b"])
def test_every_other_page_of_this_site_is_gone_to(sam_account: User, client: Client, wanted: str) -> None:
    assert enter(client, "sam", next=wanted)["Location"] == wanted


def test_a_device_is_forgotten_after_its_time(rf: RequestFactory, sam: User, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = HttpResponse()
    devices.remember(rf.get("/"), answer, sam)
    again = rf.get("/")
    again.COOKIES[devices.COOKIE] = answer.cookies[devices.COOKIE].value
    assert answer.cookies[devices.COOKIE]["max-age"] == retention.DEVICE.kept_for.total_seconds()
    assert devices.known(again, sam)
    late = time.time() + retention.DEVICE.kept_for.total_seconds() + 1
    monkeypatch.setattr(time, "time", lambda: late)
    assert not devices.known(again, sam)
