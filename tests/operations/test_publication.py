"""The ledger is published at fixed times, mailed to the regulators who take it, and checked by commands."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import NoReturn

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client
from pytest_django import Settings

from portal.accounts.models import User
from portal.audit import append
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.cases.states import State
from portal.core import clock, schedule
from portal.jobs.models import Job
from portal.ledger import leaves, signers, verify
from portal.ledger import publication as ledger
from portal.ledger.models import Checkpoint
from portal.operations import publication, tasks
from portal.statistics import releases
from tests.builders import make_case
from tests.operations.test_disk_full import full_database

pytestmark = pytest.mark.django_db
Drain = Callable[[], int]


@pytest.fixture
def log_key(settings: Settings, tmp_path: Path, db: None) -> verify.Key:
    settings.KEY_STORE = tmp_path / "key-store"
    return verify.parse_key(str(signers.create("log.example/ledger")))


def command(*arguments: str) -> str:
    output = StringIO()
    call_command("ledger", *arguments, stdout=output)
    return output.getvalue()


@pytest.mark.parametrize(
    ("moment", "hours", "expected"),
    [
        ("2026-03-14T00:00:00", 24, "2026-03-14T00:00:00"),
        ("2026-03-14T00:00:01", 24, "2026-03-15T00:00:00"),
        ("2026-03-14T13:30:00", 6, "2026-03-14T18:00:00"),
    ],
)
def test_publications_are_at_whole_intervals(settings: Settings, moment: str, hours: int, expected: str) -> None:
    settings.PUBLISH_EVERY = timedelta(hours=hours)
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert schedule.publication_after(at) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_the_sweep_plans_the_next_one_once(log_key: verify.Key) -> None:
    for _ in range(3):
        tasks.sweep()
    (job,) = Job.objects.filter(kind="ledger.publish")
    assert job.run_at == schedule.publication_after(clock.now())


def test_each_publication_plans_the_next(log_key: verify.Key, drain: Drain) -> None:
    publication.plan_next()
    for day in range(1, 4):
        clock.move(Job.objects.filter(kind="ledger.publish", state="due").get().run_at - clock.now())
        drain()
        assert Job.objects.filter(kind="ledger.publish").count() == day + 1
    # The trail's root, a day after the first, each time.
    assert Checkpoint.objects.count() == 3


def test_what_holds_it_back_is_tried_again_and_keeps_no_later_one_from_being_planned(
    log_key: verify.Key, drain: Drain
) -> None:
    signers.hold()
    publication.plan_next()
    clock.move(timedelta(days=1))
    drain()
    held = Job.objects.filter(kind="ledger.publish").order_by("run_at")
    assert [job.last_error for job in held] == ["Held", ""]
    assert not Checkpoint.objects.exists()


def test_regulators_who_take_it_are_mailed_each_checkpoint(
    log_key: verify.Key, rita: User, sam: User, drain: Drain
) -> None:
    User.objects.filter(pk__in=[rita.pk, sam.pk]).update(mail="rita@regulator.example")
    make_case(State.RECEIVED)
    drain()
    mail.outbox.clear()
    publication.publish("now")
    drain()
    (sent,) = mail.outbox
    assert sent.to == ["rita@regulator.example"]
    ((name, content, _type),) = sent.attachments
    assert (name, isinstance(content, bytes)) == ("checkpoint-2.txt", True)
    assert verify.parse_checkpoint(bytes(content).decode(), [log_key]).size == 2
    assert "&" not in str(sent.body)


def mails_of(checkpoint: Checkpoint, account: User) -> int:
    return Job.objects.filter(kind="ledger.mail", subject=f"{checkpoint.pk} {account.pk}").count()


@pytest.fixture
def regulator(rita: User) -> User:
    User.objects.filter(pk=rita.pk).update(mail="rita@regulator.example")
    return rita


@pytest.mark.django_db(transaction=True)
def test_no_checkpoint_is_kept_without_the_mail_that_takes_it_outside(log_key: verify.Key, regulator: User) -> None:
    """The mails are written with it: a process that ends in between leaves neither or both."""
    append.append(Tag.CASE_OPENED, about="1")
    with full_database("jobs_job"), pytest.raises(OperationalError):
        ledger_with_a_leaf()
    assert not Checkpoint.objects.exists()
    assert ledger.publish() is None  # it is known outside the table, and taken in
    (kept,) = Checkpoint.objects.all()
    assert kept.note == signers.head()
    assert mails_of(kept, regulator) == 1


def ledger_with_a_leaf() -> None:
    leaves.commit(leaves.Kind.TRAIL, {})
    ledger.publish()


def test_what_another_key_signs_again_is_mailed_as_well(log_key: verify.Key, regulator: User) -> None:
    ledger_with_a_leaf()
    command("rotate-key")
    command("retire-key")
    first, again, alone = Checkpoint.objects.order_by("pk")
    assert first.size == again.size == alone.size
    assert [mails_of(made, regulator) for made in (first, again, alone)] == [1, 1, 1]
    assert Entry.objects.filter(tag=Tag.LEDGER_PUBLISHED).count() == 3


def test_what_was_signed_again_before_a_kill_is_kept_at_the_next_publication(
    log_key: verify.Key, regulator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_arguments: object) -> NoReturn:
        raise KeyboardInterrupt

    ledger_with_a_leaf()
    with monkeypatch.context() as once:
        once.setattr(ledger, "_keep", killed)
        with pytest.raises(KeyboardInterrupt):
            command("rotate-key")
    assert Checkpoint.objects.count() == 1
    ledger.publish()
    again = Checkpoint.objects.latest("pk")
    assert again.note == signers.head()
    assert mails_of(again, regulator) == 1


def test_a_regulator_without_an_address_is_mailed_nothing(log_key: verify.Key, rita: User, drain: Drain) -> None:
    publication.publish("now")
    drain()
    assert mail.outbox == []


@pytest.mark.django_db(transaction=True, databases=["default", "regulator"])
def test_the_checkpoints_are_on_the_regulators_page_and_the_state_on_staffs(
    log_key: verify.Key, rita_client: Client, sam_client: Client
) -> None:
    releases.publish()
    assert "Nothing was published yet" in rita_client.get("/en/regulator/").content.decode()
    publication.publish("now")
    assert 'href="/ledger/checkpoints/1"' in rita_client.get("/en/regulator/").content.decode()
    assert "in time" in sam_client.get("/en/staff/system/").content.decode()
    append.append(Tag.CASE_OPENED, about="1")
    signers.hold()
    assert "signs nothing" in sam_client.get("/en/staff/system/").content.decode()


def test_leaves_that_wait_too_long_are_seen_by_staff(log_key: verify.Key, sam_client: Client) -> None:
    make_case(State.RECEIVED)
    clock.move(timedelta(days=3))
    assert "Entries wait longer" in sam_client.get("/en/staff/system/").content.decode()


def test_status_says_size_key_and_what_holds_it_back(log_key: verify.Key) -> None:
    publication.publish("now")
    said = command("status")
    assert str(signers.verifiers()[0]) in said
    assert "1 leaves" in said
    assert "held back   no" in said
    command("hold")
    assert "held back   yes" in command("status")
    assert Entry.objects.filter(tag=Tag.LEDGER_HELD).count() == 1


def test_check_finds_an_edited_trail_and_edited_leaves(log_key: verify.Key) -> None:
    append.append(Tag.CASE_OPENED, about="1")
    clock.move(timedelta(hours=26))
    publication.publish("now")
    assert "what was signed" in command("check")
    _as_superuser("UPDATE audit_entry SET about = '2' WHERE tag = 'subject:case:opened'")
    with pytest.raises(CommandError, match="audit trail"):
        command("check")
    _as_superuser("UPDATE ledger_leaf SET hash = decode(repeat('11', 32), 'hex')")
    with pytest.raises(CommandError, match="not those that were signed"):
        command("check")


def test_without_a_key_it_says_how_to_make_one(settings: Settings, tmp_path: Path, db: None) -> None:
    settings.KEY_STORE = tmp_path / "empty"
    with pytest.raises(CommandError, match="create-key"):
        command("status")
    assert "testserver/ledger+" in command("create-key")
    with pytest.raises(CommandError, match="rotate-key"):
        command("create-key")
    before = signers.verifiers()
    command("create-key", "--unless-there")
    assert signers.verifiers() == before
    assert (signers.folder() / "signers").stat().st_mode & 0o077 == 0


def test_a_record_is_disclosed_to_an_auditor_and_recorded(log_key: verify.Key, drain: Drain) -> None:
    case = make_case(State.RECEIVED)
    with pytest.raises(CommandError, match="not published"):
        command("disclose", case.reference)
    assert case.receipt_at is not None
    drain()
    clock.move(case.receipt_at - clock.now())
    publication.publish("now")
    opened = command("disclose", case.reference.lower())
    report = verify.examine(opened.encode(), [log_key])
    assert report.status == verify.SHOWN
    assert {"record_open", "record_unfinished"} & {line[1] for line in report.lines}
    assert Entry.objects.filter(tag=Tag.RECORD_DISCLOSED, about=str(case.code)).count() == 1
    assert ledger.latest() is not None


def _as_superuser(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statement)
        cursor.execute("SET session_replication_role = origin")
