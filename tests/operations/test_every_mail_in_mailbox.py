"""One of each kind of mail is sent by its real sender, and the demonstration's mailbox shows them all."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.template import Template
from django.test import Client
from django.test.signals import template_rendered
from pytest_django import Settings

from portal.accounts.models import User
from portal.attention import work as attention
from portal.blocks import recovery
from portal.cases import actions
from portal.cases.models import Route
from portal.core import clock
from portal.jobs.models import Job
from portal.ledger import signers
from portal.notices import writing
from portal.notices.models import Channel
from portal.operations import publication
from tests import builders
from tests.notices.build import reached, shown_image
from tests.staff.test_system import stuck_step

pytestmark = pytest.mark.django_db(transaction=True)
Drain = Callable[[], int]
TEMPLATES = {f"mail/{file.name}" for file in (Path(__file__).parents[2] / "templates" / "mail").glob("[!_]*")}


@pytest.fixture(autouse=True)
def surroundings(settings: Settings, tmp_path: Path) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    settings.KEY_STORE = tmp_path / "key-store"
    settings.NOTICE_WINDOW = timedelta(0)
    settings.ALERTS_TO = "operations@example.com"
    signers.create("log.example/ledger")


def send_one_of_each(drain: Drain, *, sam: User, lee: User, rita: User, language: str) -> None:
    User.objects.filter(pk=rita.pk).update(mail="rita@regulator.example")
    case = builders.make_case(route=Route.PHOTO, language=language)  # code
    actions.keep_out(case, wanted=True, recoverable=True)
    actions.submit(case)  # received
    reached("acme", Channel.MAIL, "acme@example.org", by=(sam, lee))
    writing.tell([shown_image("acme")])  # notice
    drain()
    case.refresh_from_db()
    assert case.slot_at is not None
    assert case.receipt_at is not None
    clock.move(case.slot_at - clock.now() + timedelta(minutes=1))
    drain()  # finished
    recovery.ask("ana@example.org")
    clock.move(configured.PUBLISH_EVERY)
    drain()  # keep_out_code
    clock.move(case.receipt_at - clock.now() - timedelta(minutes=5))
    publication.plan_next()
    clock.move(Job.objects.filter(kind="ledger.publish", state="due").latest("run_at").run_at - clock.now())
    drain()  # checkpoint and receipt
    stuck_step()
    attention.tell("")  # alert


@pytest.fixture
def rendered() -> Iterator[set[str]]:
    """Names of the templates that were used."""
    names: set[str] = set()

    def keep(*, template: Template, **_: object) -> None:
        names.add(str(template.name))

    template_rendered.connect(keep)
    yield names
    template_rendered.disconnect(keep)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_mailbox_shows_one_of_each_kind_of_mail(
    drain: Drain, rendered: set[str], sam: User, lee: User, rita: User, language: str
) -> None:
    send_one_of_each(drain, sam=sam, lee=lee, rita=rita, language=language)
    assert {name for name in rendered if name.startswith("mail/") and not name.startswith("mail/_")} == TEMPLATES
    answer = Client().get("/en/mailbox/")
    assert answer.status_code == 200
    page = answer.content.decode()
    subjects = re.findall(r'portal-mail__subject">([^<]+)<', page)
    assert len(subjects) == len(set(subjects)) == len(TEMPLATES) / 2
    assert "cannot be read" not in page
    assert "is missing" not in page
    files = {
        re.sub("[A-Z0-9]{4}-[A-Z0-9]{4}|[0-9]+", "N", name): Client().get(address).content
        for address, name in re.findall(r'href="(/en/mailbox/[^"]+)" download>([^<]+)<', page)
    }
    assert set(files) == {"N.tlog-proof", "checkpoint-N.txt", "notice.json", "notice.signature.txt"}
    assert files["N.tlog-proof"].startswith(b"c2sp.org/tlog-proof@v1\n")
    assert files["checkpoint-N.txt"].startswith(b"log.example/ledger\n")
    assert json.loads(files["notice.json"])["type"]
