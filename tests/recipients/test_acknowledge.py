"""The page behind the link of a notice: no account, no script, and the token leaves the address at once."""

import secrets

import pytest
from django.test import Client

from portal.core import clock
from portal.notices import content
from portal.notices.models import Notice, Recipient
from portal.notices.states import NoticeState

pytestmark = pytest.mark.django_db
PAGE = "/en/recipients/notice/"


@pytest.fixture
def token() -> str:
    made, now = secrets.token_urlsafe(32), clock.now()
    Notice.objects.create(
        recipient=Recipient.objects.create(code="acme"),
        opened_at=now,
        closes_at=now,
        state=NoticeState.SENT,
        token_digest=content.digest(made),
    )
    return made


def test_the_token_leaves_the_address_at_once(client: Client, token: str) -> None:
    answer = client.get(f"{PAGE}{token}/")
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    page = client.get(PAGE)
    assert token not in page.content.decode()
    assert "no-store" in page["Cache-Control"]


def test_looking_acknowledges_nothing(client: Client, token: str) -> None:
    client.get(f"{PAGE}{token}/", follow=True)
    assert Notice.objects.get().state == NoticeState.SENT


def test_pressing_the_button_does_and_a_second_time_changes_nothing(client: Client, token: str) -> None:
    client.get(f"{PAGE}{token}/")
    for _ in range(2):
        answer = client.post(PAGE, follow=True)
        assert "This notice is acknowledged" in answer.content.decode()
    assert Notice.objects.get().state == NoticeState.ACKNOWLEDGED


def test_without_a_link_or_with_a_made_up_one_there_is_no_page(client: Client, token: str) -> None:
    assert client.get(PAGE).status_code == 404
    assert client.post(PAGE).status_code == 404
    assert client.get(f"{PAGE}{secrets.token_urlsafe(32)}/").status_code == 404


def test_a_page_of_another_site_cannot_press_it(token: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.get(f"{PAGE}{token}/")
    assert strict.post(PAGE).status_code == 403
    assert Notice.objects.get().state == NoticeState.SENT


def test_the_page_speaks_french(client: Client, token: str) -> None:
    assert client.get(f"/fr/recipients/notice/{token}/", follow=True).status_code == 200
