"""A case's second leaf and its receipt: at a time fixed when it is received, of one size, whatever was found."""

import json
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core import mail
from django.db import connection
from pytest_django import Settings

from matching import service
from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.cases import actions, decisions, receipts
from portal.cases.models import Case
from portal.cases.states import State
from portal.core import clock, keys
from portal.jobs.models import Job
from portal.ledger import signers, verify
from portal.ledger.models import Checkpoint, Leaf, Opening
from portal.operations import publication, requeue
from portal.policies.retention import RECEIPT
from portal.takedowns.models import Step
from tests.builders import indexed_image, look_at, make_case

pytestmark = pytest.mark.django_db(transaction=True)
Drain = Callable[[], int]
NOWHERE = "https://nowhere.example/none.jpg"


@pytest.fixture(autouse=True)
def log_key(settings: Settings, tmp_path: Path) -> verify.Key:
    settings.KEY_STORE = tmp_path / "key-store"
    return verify.parse_key(str(signers.create("log.example/ledger")))


def publish(drain: Drain) -> None:
    """As the worker does, at the next fixed time."""
    publication.plan_next()
    clock.move(Job.objects.filter(kind="ledger.publish", state="due").latest("run_at").run_at - clock.now())
    drain()


def file_case(address: str, drain: Drain, sam: User) -> Case:
    """Received, and decided where something was found."""
    case = make_case(State.RECEIVED, addresses=[address])
    drain()
    matches = list(case.matches.values_list("pk", flat=True))
    if matches:
        look_at(case, sam)
        decisions.approve(case, by=sam, matches=matches)
        drain()
    return Case.objects.get(pk=case.pk)


def until_receipt(case: Case, drain: Drain) -> None:
    assert case.receipt_at is not None
    clock.move(case.receipt_at - clock.now() - timedelta(minutes=5))
    drain()
    publish(drain)


def page_of(image: UUID) -> str:
    return service.provenance_of([image])[image].page


def opening_of(receipt: bytes) -> dict[str, Any]:
    opening: dict[str, Any] = json.loads(b64decode(receipt.split(b"\n")[1].removeprefix(b"extra ")))
    return opening


def mailed_receipt() -> bytes:
    ((_name, content, _type),) = mail.outbox[-1].attachments
    assert isinstance(content, bytes)
    return content


def test_it_is_due_after_the_statutes_last_day_and_the_time_of_purging(settings: Settings) -> None:
    case = make_case(State.RECEIVED)
    assert case.due_on is not None
    assert case.receipt_at is not None
    assert case.receipt_at.astimezone(UTC).time() == datetime.min.time()
    day = case.receipt_at.date()
    # The last day ends where the operator is, some hours later than in UTC.
    assert day == case.due_on + timedelta(days=1 + 7 + 1)


def test_every_case_gets_its_two_leaves_and_its_receipt_in_the_same_two_publications(drain: Drain, sam: User) -> None:
    found = file_case(page_of(indexed_image()), drain, sam)
    nothing = file_case(NOWHERE, drain, sam)
    assert found.state == nothing.state == State.SETTLED
    publish(drain)
    # Two first leaves and the trail's root.
    assert Checkpoint.objects.get().size == 3
    before = len(mail.outbox)
    until_receipt(found, drain)
    assert Checkpoint.objects.latest("pk").size == 6
    assert [message.subject for message in mail.outbox[before:]].count(
        f"The receipt of your request {found.reference}"
    ) == 1
    for case in (found, nothing):
        case.refresh_from_db()
        assert case.recorded_at is not None
        assert case.receipted_at is not None


def test_nobody_can_tell_from_a_receipt_whether_anything_was_found(
    drain: Drain, sam: User, log_key: verify.Key
) -> None:
    cases = [file_case(page_of(indexed_image()), drain, sam), file_case(NOWHERE, drain, sam)]
    until_receipt(cases[0], drain)
    issued = [receipts.issue(case) for case in cases]
    openings = [opening_of(receipt) for receipt in issued]
    assert len({len(receipt.split(b"\n")[1]) for receipt in issued}) == 1
    assert len({receipt.split(b"\n\n")[1] for receipt in issued}) == 1
    # Of what is opened, only the names of the case and two commitments differ.
    for name in ("kind", "received_on", "statute", "pad"):
        assert openings[0]["body"][name] == openings[1]["body"][name]
    assert openings[0]["body"].keys() == {"kind", "case", "reference", "received_on", "statute", "record", "pad"}
    spoken = {tuple(key for _mark, key, _values in verify.examine(receipt, [log_key]).lines) for receipt in issued}
    assert spoken == {("included", "closed", "record_closed", "no_outside", "not_the_deed")}


def test_the_record_can_be_opened_for_an_auditor_and_is_the_one_that_was_fixed(
    drain: Drain, sam: User, log_key: verify.Key
) -> None:
    found = file_case(page_of(indexed_image()), drain, sam)
    nothing = file_case(NOWHERE, drain, sam)
    until_receipt(found, drain)
    removed = Step.objects.filter(takedown__removal__origin=found.code).count()
    assert removed
    for case, steps in ((found, removed), (nothing, 0)):
        opened = receipts.issue(case, with_record=True)
        report = verify.examine(opened, [log_key])
        assert report.status == verify.SHOWN
        assert ("shown", "record_open", {"steps": steps}) in report.lines
        rows = json.loads(b64decode(opened.split(b"\n")[1].removeprefix(b"extra ")))["steps"]
        assert all(row["verified_at"] for row in rows)
        assert all(bool(row["purged_at"]) == (row["store"] == "index") for row in rows)
        assert all(row["log"] == ("checked" if row["store"] == "index" else "") for row in rows)
        assert {row["store"] for row in rows if verify.kind_of(row) == "other"} == set()


def test_a_case_that_is_late_gets_its_second_leaf_at_the_same_time_and_says_so_in_its_record(
    drain: Drain, sam: User, log_key: verify.Key
) -> None:
    late = make_case(State.RECEIVED, addresses=[page_of(indexed_image())])
    drain()
    nothing = file_case(NOWHERE, drain, sam)
    until_receipt(nothing, drain)
    late.refresh_from_db()
    assert late.state == State.REVIEW
    assert late.recorded_at is not None
    issued = [receipts.issue(case) for case in (late, nothing)]
    assert len({len(receipt.split(b"\n")[1]) for receipt in issued}) == 1
    opened = verify.examine(receipts.issue(late, with_record=True), [log_key])
    assert ("shown", "record_unfinished", {"steps": 0}) in opened.lines


def test_the_mailed_file_is_the_receipt_and_it_verifies(drain: Drain, sam: User, log_key: verify.Key) -> None:
    case = file_case(NOWHERE, drain, sam)
    until_receipt(case, drain)
    assert mail.outbox[-1].to == ["ana@example.org"]
    report = verify.examine(mailed_receipt(), [log_key], outside=[Checkpoint.objects.latest("pk").note.encode()])
    assert report.status == verify.SHOWN
    assert case.reference in str(mail.outbox[-1].body)


def test_address_and_openings_go_a_stated_time_after_the_receipt_and_their_key_with_them(
    drain: Drain, sam: User
) -> None:
    case = file_case(NOWHERE, drain, sam)
    until_receipt(case, drain)
    case.refresh_from_db()
    assert case.state == State.CLOSED
    assert not keys.exists(case.key_id)
    assert case.contact_sealed is not None
    clock.move(RECEIPT.kept_for - timedelta(minutes=1))
    drain()
    assert keys.exists(case.proof_key_id)
    clock.move(timedelta(minutes=2))
    drain()
    case.refresh_from_db()
    assert case.contact_sealed is None
    assert not Opening.objects.exists()
    assert not keys.exists(case.proof_key_id)
    assert Leaf.objects.count() >= 2
    assert Entry.objects.filter(tag=Tag.PROOF_KEY_DESTROYED, about=str(case.code)).count() == 1


def test_whoever_withdrew_is_mailed_nothing_and_still_has_two_leaves(drain: Drain, sam: User) -> None:
    case = file_case(NOWHERE, drain, sam)
    actions.withdraw(case)
    drain()
    mails = len(mail.outbox)
    until_receipt(case, drain)
    drain()
    case.refresh_from_db()
    assert case.recorded_at is not None
    assert len(mail.outbox) == mails
    assert case.contact_sealed is None
    assert not keys.exists(case.proof_key_id)


def test_a_case_that_cannot_be_recorded_holds_up_nobody_else(drain: Drain, sam: User) -> None:
    broken = file_case(NOWHERE, drain, sam)
    whole = file_case(NOWHERE, drain, sam)
    assert broken.receipt_at is not None
    keys.destroy(broken.proof_key_id)
    # Its announcement cannot be mailed either.
    clock.move(broken.receipt_at - clock.now() + timedelta(minutes=1))
    publication.publish("now")
    for case in (broken, whole):
        case.refresh_from_db()
    assert broken.recorded_at is None
    assert whole.recorded_at is not None
    assert Job.objects.filter(kind="case.record", subject=str(broken.code)).exists()


def test_lost_jobs_of_a_receipt_are_picked_up(drain: Drain, sam: User) -> None:
    case = file_case(NOWHERE, drain, sam)
    assert case.receipt_at is not None
    clock.move(case.receipt_at - clock.now())
    publication.publish("now")
    Job.objects.filter(kind="case.mail_receipt").delete()
    publication.publish("again")
    drain()
    case.refresh_from_db()
    assert case.receipted_at is not None
    clock.move(RECEIPT.kept_for)
    Job.objects.filter(kind="case.forget_proof").delete()
    requeue.pick_up()
    drain()
    assert not keys.exists(case.proof_key_id)


def test_what_opens_a_leaf_stands_nowhere_in_the_clear(drain: Drain, sam: User) -> None:
    case = file_case(page_of(indexed_image()), drain, sam)
    until_receipt(case, drain)
    opened = opening_of(receipts.issue(case, with_record=True))
    secrets = [opened["salt"], opened["blind"], case.reference, *(step["image"] for step in opened["steps"])]
    assert len(secrets) > 3
    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed, record_sealed FROM ledger_opening")
        kept = b"".join(bytes(column or b"") for row in cursor.fetchall() for column in row)
    for secret in map(str, secrets):
        assert secret.encode() not in kept
        assert len(secret) != 64 or bytes.fromhex(secret) not in kept


def test_after_a_restore_a_case_whose_receipt_went_out_since_is_not_recorded_again(drain: Drain, sam: User) -> None:
    """The backup is from before; the key, which is kept elsewhere, was destroyed since."""
    case = file_case(NOWHERE, drain, sam)
    other = file_case(NOWHERE, drain, sam)
    assert case.receipt_at is not None
    clock.move(case.receipt_at - clock.now() + RECEIPT.kept_for)
    drain()
    keys.destroy(case.proof_key_id)
    receipts.settle_without_key()
    assert receipts.due_records() == [other.pk]
    case.refresh_from_db()
    assert case.contact_sealed is None
