"""One publication of the ledger: second leaves that are due, the trail's root, the checkpoint, and who is told.

Everything that goes in is chosen by the clock alone, so neither the size of a publication nor its time tells what was
found in any case.
"""

from datetime import timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from portal.accounts.models import Role, User
from portal.audit import append, roots
from portal.audit.tags import Tag
from portal.cases import receipts
from portal.core import clock, mailing, operator_contact, schedule
from portal.jobs import queue
from portal.jobs.models import Job
from portal.jobs.run import PermanentFailure
from portal.ledger import publication, signers
from portal.ledger.models import Checkpoint

log = structlog.get_logger()


def plan_next() -> None:
    """Let the next publication be due at its fixed time; the job's subject is that time."""
    at = schedule.publication_after(clock.now() + timedelta(microseconds=1))
    subject = f"{at:%Y-%m-%dT%H:%M:%SZ}"
    if not Job.objects.filter(kind="ledger.publish", subject=subject).exists():
        queue.enqueue("ledger.publish", subject, run_at=at)


def publish(_at: str) -> None:
    """Errors: ledger.publication.Held and ledger.signers.NoKey, tried again until a person has seen to it."""
    plan_next()
    for code in receipts.due_records():
        _close_record(str(code))
    roots.commit()
    publication.publish()
    for code in receipts.unsent():
        queue.pick_up("case.mail_receipt", code)


def _close_record(code: str) -> None:
    """One case that cannot be recorded holds up nobody else; its own job shows it to a person."""
    try:
        receipts.close_record(code)
    except Exception as error:
        log.warning("record_failed", case=code, error=type(error).__name__)
        queue.pick_up("case.record", code)


def tell(made: Checkpoint) -> None:
    """The regulators who take it, of every checkpoint however it came to be signed; in the transaction that keeps it,
    so that none is public that nobody holds outside."""
    append.append(Tag.LEDGER_PUBLISHED, about=made.pk, size=made.size)
    for pk in User.objects.filter(role=Role.REGULATOR, is_active=True).exclude(mail="").values_list("pk", flat=True):
        queue.enqueue("ledger.mail", f"{made.pk} {pk}")


def mail(subject: str) -> None:
    """Mail one checkpoint to one regulator, who keeps it where the operator cannot reach it."""
    checkpoint_id, account_id = (int(part) for part in subject.split())
    made = Checkpoint.objects.get(pk=checkpoint_id)
    account = User.objects.filter(pk=account_id, role=Role.REGULATOR, is_active=True).exclude(mail="").first()
    if account is None:
        raise PermanentFailure("this account takes no checkpoints any more")
    context = {
        "checkpoint": made,
        "origin": signers.origin(),
        "operator": settings.OPERATOR_NAME,
        "contact": operator_contact.contact(),
        "log_url": settings.SITE_URL + reverse("log:checkpoint"),
    }
    with translation.override(settings.LANGUAGE_CODE):
        title = render_to_string("mail/checkpoint.subject.txt", context).strip()
        message = EmailMessage(title, render_to_string("mail/checkpoint.txt", context), to=[account.mail])
    message.attach(f"checkpoint-{made.size}.txt", made.note.encode(), "application/octet-stream")
    try:
        mailing.deliver(message)
    except mailing.Undeliverable as refused:
        raise PermanentFailure(f"refused {refused.reply}") from None
