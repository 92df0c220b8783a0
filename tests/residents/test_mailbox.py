"""The demonstration's mailbox, and that nothing else has one."""

from pathlib import Path

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from pytest_django import Settings

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    return tmp_path


def test_it_shows_mails_with_the_code_marked(folder: Path) -> None:
    EmailMessage("Your code", "Your code is 123456\n\nBye <b>", to=["ana@example.org"]).send()
    EmailMessage("Élu", "Déjà reçu", to=["bo@example.org"]).send()
    page = Client().get("/en/mailbox/").content.decode()
    assert '<strong class="portal-mail__code">123456</strong>' in page
    assert "Bye &lt;b&gt;" in page
    assert "Déjà reçu" in page


def test_it_tells_the_time_of_the_reader(folder: Path, settings: Settings) -> None:
    settings.TIME_ZONE = "America/Toronto"
    mail = EmailMessage("Your code", "123456", to=["ana@example.org"])
    mail.extra_headers["Date"] = "Sun, 22 Nov 2026 18:43:00 -0000"
    mail.send()
    assert "November 22, 2026, 1:43 p.m." in Client().get("/en/mailbox/").content.decode()


def test_it_says_when_there_is_none(folder: Path) -> None:
    assert "No mail yet" in Client().get("/en/mailbox/").content.decode()


def test_it_exists_in_the_demonstration_alone(folder: Path, settings: Settings) -> None:
    settings.DEMO = False
    assert Client().get("/en/mailbox/").status_code == 404
