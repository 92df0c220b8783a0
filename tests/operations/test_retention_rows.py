"""Each row of the retention table: the thing is made as the portal makes it, kept to the last minute, and then gone.

The retention run is carried out with the jobs that it enqueues, under a clock that is moved.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from matching import service
from portal.blocks import recovery
from portal.blocks.models import Asked, Choice
from portal.cases import actions
from portal.cases.models import Case, Code, Photo, Probe, Route
from portal.cases.states import State
from portal.core import clock, keys
from portal.jobs import queue
from portal.jobs.models import Job
from portal.ledger import signers
from portal.operations import publication, retention
from portal.policies import retention as rules
from portal.policies.retention import Rule
from tests.builders import make_case

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class World:
    drain: Callable[[], int]
    settings: Settings
    folder: Path


@dataclass(frozen=True)
class Kept:
    since: datetime
    is_there: Callable[[], bool]
    # A term in whole days ends with its last day, wherever midnight is.
    whole_days: bool = False


@pytest.fixture
def world(drain: Callable[[], int], settings: Settings, tmp_path: Path) -> World:
    settings.KEY_STORE = tmp_path / "key-store"
    signers.create("log.example/ledger")
    return World(drain, settings, tmp_path)


def draft(_world: World) -> Kept:
    case = make_case(route=Route.PHOTO)

    def is_there() -> bool:
        return keys.exists(case.key_id) and Photo.objects.exists() and Probe.objects.exists()

    return Kept(case.opened_at, is_there)


def code(world: World) -> Kept:
    case = actions.open_case("en")
    actions.set_place(case, "CA-ON")
    actions.send_code(case, "ana@example.org")
    world.drain()
    return Kept(clock.now(), Code.objects.filter(case=case).exists)


def visit(_world: World) -> Kept:
    browser = Client()
    assert browser.post("/en/request/place/", {"place": "CA-ON"}).status_code == 302
    assert browser.get("/en/request/contact/").status_code == 200

    def is_there() -> bool:
        return Session.objects.exists() and browser.get("/en/request/contact/").status_code == 200

    return Kept(clock.now(), is_there)


def finished_job(world: World) -> Kept:
    queue.enqueue("case.mail_received", make_case(State.RECEIVED).code)
    world.drain()
    done = list(Job.objects.filter(kind="case.mail_received", state="done").values_list("pk", flat=True))
    assert done
    return Kept(clock.now(), Job.objects.filter(pk__in=done).exists)


def receipt(world: World) -> Kept:
    case = make_case(State.RECEIVED, addresses=["https://nowhere.example/none.jpg"])
    assert case.receipt_at is not None
    for at in (case.slot_at, case.receipt_at - MINUTE, case.receipt_at + MINUTE):
        assert at is not None
        clock.move(at - clock.now())
        publication.plan_next()
        world.drain()
    case.refresh_from_db()
    assert case.receipted_at is not None

    def is_there() -> bool:
        return Case.objects.get(pk=case.pk).contact_sealed is not None and keys.exists(case.proof_key_id)

    return Kept(case.receipted_at, is_there)


def backup(world: World) -> Kept:
    world.settings.BACKUPS = world.folder / "backups"
    call_command("backup")
    (file,) = world.settings.BACKUPS.iterdir()
    return Kept(datetime.fromtimestamp(file.stat().st_mtime, UTC), file.exists)


def block(world: World) -> Kept:
    case = make_case(State.RECEIVED, route=Route.PHOTO, keep_out=True)
    world.drain()
    choice = Choice.objects.get(case=case.code)

    def is_there() -> bool:
        return bool(service.active_blocks([choice.block])) and Choice.objects.exists() and keys.exists(choice.block)

    assert choice.begins_at is not None
    return Kept(choice.begins_at, is_there, whole_days=True)


def lost_code(world: World) -> Kept:
    """Asked for by somebody who left an address, while the mail server is away."""
    case = make_case(route=Route.PHOTO)
    actions.keep_out(case, wanted=True, recoverable=True)
    actions.submit(case)
    world.drain()
    world.settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    world.settings.EMAIL_HOST, world.settings.EMAIL_PORT = "127.0.0.1", 1
    recovery.ask("ana@example.org")
    asked = Asked.objects.get()
    return Kept(asked.asked_at, lambda: Asked.objects.exists() and keys.exists(asked.pk))


ROWS: dict[Rule, Callable[[World], Kept]] = {
    rules.DRAFT: draft,
    rules.CODE: code,
    rules.SESSION: visit,
    rules.JOB: finished_job,
    rules.RECEIPT: receipt,
    rules.BACKUP: backup,
    rules.BLOCK: block,
    rules.LOST_CODE: lost_code,
}


def test_every_row_of_the_table_has_its_case() -> None:
    assert set(ROWS) == set(rules.ALL)
    # The cookie of staff's own device ends by itself: tests/accounts/test_sign_in.py.
    assert {rule for rule in vars(rules).values() if isinstance(rule, Rule)} == {*rules.ALL, rules.DEVICE}


@pytest.mark.parametrize("rule", rules.ALL, ids=lambda rule: rule.record)
def test_it_is_kept_as_long_as_its_row_says_and_no_longer(rule: Rule, world: World) -> None:
    kept = ROWS[rule](world)
    clock.move(kept.since + rule.kept_for - MINUTE - clock.now())
    carry_out(world)
    assert kept.is_there()
    clock.move(timedelta(days=2) if kept.whole_days else 2 * MINUTE)
    carry_out(world)
    assert not kept.is_there()


def carry_out(world: World) -> None:
    retention.run("")
    world.drain()
