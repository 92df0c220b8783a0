"""Mails as a real SMTP server on loopback receives them."""

import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pytest_django import Settings

from portal.cases.models import Case
from portal.cases.states import State
from portal.core import clock
from portal.jobs.models import Job
from tests.builders import make_case

pytestmark = pytest.mark.django_db
Drain = Callable[[], int]


class Inbox:
    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  (aiosmtpd's name)
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients += envelope.rcpt_tos
        return "250 OK"


@pytest.fixture
def inbox(settings: Settings) -> Iterator[Inbox]:
    inbox = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(inbox, hostname="127.0.0.1", port=port)
    server.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    yield inbox
    server.stop()


def test_every_mail_goes_to_the_domain_that_was_meant(inbox: Inbox, drain: Drain) -> None:
    """By the rules of 2003, which Django follows, it would be that of somebody else: strasse.example."""
    make_case(State.RECEIVED, address="ana@straße.example")
    drain()
    clock.move(timedelta(days=7, minutes=1))
    drain()
    assert len(inbox.mails) >= 3
    assert set(inbox.recipients) == {mail["To"] for mail in inbox.mails} == {"ana@xn--strae-oqa.example"}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_code_receipt_and_end_arrive_in_the_subjects_language(inbox: Inbox, drain: Drain, language: str) -> None:
    case = make_case(State.RECEIVED, language=language)
    drain()
    clock.move(timedelta(days=7, minutes=1))
    drain()
    receipt, end = inbox.mails[-2:]
    assert all(mail["To"] == "ana@example.org" for mail in inbox.mails)
    assert case.reference in receipt.get_content()
    assert receipt["Subject"] != end["Subject"]
    assert ("demande" in end.get_content()) == (language == "fr")


def test_the_end_reads_the_same_for_every_case_but_for_reference_and_dates(inbox: Inbox, drain: Drain) -> None:
    cases = [make_case(State.RECEIVED, address=f"{name}@example.org") for name in ("ana", "bob")]
    drain()
    clock.move(timedelta(days=7, minutes=1))
    drain()
    ends = sorted(inbox.mails[-2:], key=lambda mail: str(mail["To"]))
    whole = {
        (str(mail["Subject"]) + mail.get_content()).replace(case.reference, "REFERENCE")
        for mail, case in zip(ends, cases, strict=True)
    }
    assert len(whole) == 1


def test_a_mail_that_cannot_be_sent_is_sent_later(settings: Settings, drain: Drain, inbox: Inbox) -> None:
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    case = make_case(State.RECEIVED)
    drain()
    assert inbox.mails == []
    assert Job.objects.filter(kind="case.mail_received", state="due", subject=str(case.code)).exists()
    settings.EMAIL_PORT = port
    clock.move(timedelta(hours=1))
    drain()
    assert case.reference in inbox.mails[-1].get_content()
    assert Case.objects.get(pk=case.pk).state == State.SETTLED
