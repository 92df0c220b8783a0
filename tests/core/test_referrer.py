"""No page of ours tells another site from which address a visitor comes."""

import pytest
from django.test import Client

from portal.accounts.models import User
from tests.builders import make_account, signed_in

pytestmark = pytest.mark.django_db(databases=["default", "regulator"])
RESIDENTS = [
    "/en/",
    "/fr/status/",
    "/en/request/place/",
    "/en/keep-out/",
    "/en/verify/",
    "/en/mailbox/",
    "/en/nowhere/",
]
OTHERS = ["/en/staff/sign-in/", "/en/recipients/notice/", "/api/v1/case/", "/ledger/keys", "/healthz", "/"]
SAME_ORIGIN = "same-origin"


@pytest.mark.parametrize("path", [*RESIDENTS, *OTHERS])
def test_every_surface_keeps_the_address_to_itself(path: str) -> None:
    assert Client().get(path).headers["Referrer-Policy"] == SAME_ORIGIN


@pytest.mark.parametrize(("regulator", "path"), [(False, "/en/staff/"), (True, "/en/regulator/")])
def test_so_do_the_pages_behind_the_sign_in(regulator: bool, path: str) -> None:
    account: User = make_account("sam", regulator=regulator)
    answer = signed_in(account).get(path)
    assert answer.status_code == 200
    assert answer.headers["Referrer-Policy"] == SAME_ORIGIN


@pytest.mark.parametrize("path", ["/en/", "/en/staff/sign-in/"])
def test_a_page_says_so_itself_where_it_is_kept_without_its_headers(path: str) -> None:
    assert '<meta name="referrer" content="same-origin">' in Client().get(path).content.decode()
