"""A case's two leaves in the ledger, and its receipt. When they come is fixed when it is received, whatever is found.

The first leaf goes into the next publication. The second commits to the record of what was done, and goes into the one
at `receipt_at`: after the statute's last day and the time that purging may take. By then a case has come to its lawful
end; one that has not says so in its record, whose commitment looks like any other.
"""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from matching.types import Store
from portal.audit import append
from portal.audit.tags import Tag
from portal.cases import forget
from portal.cases.models import Case
from portal.cases.states import ENDED, State
from portal.core import clock, keys, schedule
from portal.jobs import queue
from portal.ledger import leaves, receipt, record
from portal.policies import retention
from portal.policies.deadlines import PURGED_WITHIN, end_of
from portal.takedowns.models import Removal, Step
from portal.takedowns.states import RemovalState, StepState


def slot(case: Case) -> datetime:
    """The publication that will hold the second leaf; never before the subject is told that it is finished."""
    assert case.received_at is not None
    assert case.slot_at is not None
    assert case.due_on is not None
    if settings.RECEIPT_SLOT:
        ended = case.received_at + settings.RECEIPT_SLOT
    else:
        midnight = end_of(case.due_on, settings.TIME_ZONE)
        ended = midnight + PURGED_WITHIN
    return schedule.publication_after(max(ended, case.slot_at))


def open_record(case: Case) -> None:
    """The first leaf: that the case was received."""
    leaves.append(leaves.Kind.OPENED, key_id=case.proof_key_id, commitment=_facts(case))


@transaction.atomic
def close_record(code: str) -> None:
    """The second leaf, once it is due; a commitment to what was done by then."""
    case = Case.objects.select_for_update().get(pk=UUID(code))
    if case.receipt_at is None or case.recorded_at is not None or case.receipt_at > clock.now():
        return
    made = record.make(_steps(case), finished=_is_finished(case))
    facts = {**_facts(case), "record": made.commitment}
    leaves.append(leaves.Kind.CLOSED, key_id=case.proof_key_id, commitment=facts, record=made.as_json())
    Case.objects.filter(pk=case.pk).update(recorded_at=clock.now())
    queue.enqueue("case.forget_proof", case.code)
    append.append(Tag.CASE_RECORDED, about=case.code, finished=made.summary["finished"], steps=len(made.steps))


def due_records() -> list[UUID]:
    """Cases whose second leaf goes into the publication that comes now."""
    due = Case.objects.filter(receipt_at__lte=clock.now(), recorded_at=None)
    return list(due.order_by("pk").values_list("pk", flat=True))


def unsent() -> list[UUID]:
    """Cases whose receipt is to be had and was not mailed."""
    recorded = Case.objects.filter(recorded_at__isnull=False, receipted_at=None, withdrawn_at=None)
    return list(recorded.values_list("pk", flat=True))


def settle_without_key() -> None:
    """After a restore: the leaves of a case whose proof key is gone were written, and its receipt mailed, since."""
    for case in Case.objects.filter(receipt_at__lte=clock.now(), receipted_at=None):
        if not keys.exists(case.proof_key_id):
            Case.objects.filter(pk=case.pk).update(recorded_at=case.receipt_at, receipted_at=case.receipt_at)
            forget.proof(case)


def is_over(case: Case) -> bool:
    """Whether the receipt was to be had for its stated time; whoever withdrew gets none."""
    if case.withdrawn_at is not None:
        return case.recorded_at is not None
    return case.receipted_at is not None and clock.now() >= case.receipted_at + retention.RECEIPT.kept_for


def issue(case: Case, *, kind: leaves.Kind = leaves.Kind.CLOSED, with_record: bool = False) -> bytes:
    """The receipt as a file. `with_record` opens what was done, to those who may see it.

    Errors: receipt.NotPublished, core.keys.KeyDestroyed.
    """
    leaf = leaves.of_key(case.proof_key_id, kind)
    if leaf is None:
        raise receipt.NotPublished
    return receipt.issue(leaf, with_record=with_record)


def name(case: Case) -> str:
    return f"{case.reference}.{receipt.ENDING}"


def _facts(case: Case) -> dict[str, str]:
    """What its holder knows anyway; nothing of it follows from the search."""
    assert case.received_on is not None
    return {
        "case": str(case.code),
        "reference": case.reference,
        "received_on": case.received_on.isoformat(),
        "statute": case.statute,
    }


def _is_finished(case: Case) -> bool:
    unpurged = Removal.objects.filter(origin=case.code).exclude(state=RemovalState.PURGED)
    return case.state in (*ENDED, State.CLOSED) and not unpurged.exists()


def _steps(case: Case) -> Iterator[record.Step]:
    """What was done in each store and read back, in a fixed order; it is the index's files that are purged."""
    done = Step.objects.filter(takedown__removal__origin=case.code, state=StepState.VERIFIED)
    for step in done.select_related("takedown__removal").order_by("takedown_id", "store").iterator():
        assert step.verified_at is not None
        removal = step.takedown.removal
        purged_at = removal.purged_at if step.store == Store.INDEX else None
        yield record.Step(
            image_id=step.takedown.image_id,
            store=step.store,
            verified_at=step.verified_at.isoformat(),
            purged_at=purged_at.isoformat() if purged_at else "",
            log_checked=removal.log_checked is True,
        )
