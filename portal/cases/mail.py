"""Mails to residents. Each is one template in two languages; none tells more than the page would."""

from dataclasses import dataclass

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from portal.blocks import choices
from portal.cases import places
from portal.cases.models import Case
from portal.core import clock, mailing, operator_contact
from portal.policies import contacts, retention
from portal.policies.assurance import Proof


@dataclass(frozen=True)
class Attachment:
    name: str
    content: bytes


def send(name: str, case: Case, *, address: str, code: str = "", attachment: Attachment | None = None) -> None:
    """Render `mail/<name>.txt` in the case's language and send it.

    Errors: mailing.Undeliverable, which is final; OSError when it is to be tried again.
    """
    with translation.override(case.language):
        context = {
            "code": code,
            "reference": case.reference,
            "received_at": case.received_at or clock.now(),
            "slot_at": case.slot_at,
            "received_on": case.received_on,
            "zone": places.zone_name(case.received_zone),
            "due_on": case.due_on,
            "receipt_at": case.receipt_at,
            "receipt_until": case.receipt_at and case.receipt_at + retention.RECEIPT.kept_for,
            "log_url": settings.SITE_URL + reverse("log:checkpoint"),
            "verify_url": settings.SITE_URL + reverse("residents:verify"),
            "operator": settings.OPERATOR_NAME,
            "contact": operator_contact.contact(),
            # Whoever reads an address that nobody has confirmed is not told where the sender lives.
            "regulator": None if case.proof == Proof.NONE else contacts.regulator_of(case.place, case.language),
            "help_url": settings.SITE_URL + reverse("residents:help"),
            "status_url": settings.SITE_URL + reverse("residents:status"),
            "keep_out": choices.chosen(case.code),
            "keep_out_url": settings.SITE_URL + reverse("residents:keep-out-code"),
        }
        subject = render_to_string(f"mail/{name}.subject.txt", context).strip()
        text = render_to_string(f"mail/{name}.txt", context)
    message = EmailMessage(subject=subject, body=text, to=[address])
    if attachment is not None:
        message.attach(attachment.name, attachment.content, "application/octet-stream")
    mailing.deliver(message)
