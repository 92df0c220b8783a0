"""Mails to residents. Each is one template in two languages; none tells more than the page would."""

from dataclasses import dataclass
from smtplib import SMTPRecipientsRefused

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from portal.blocks import choices
from portal.cases import places
from portal.cases.models import Case
from portal.core import clock, mail_addresses
from portal.policies import retention

# RFC 5321 section 4.2.1: replies of 500 and above will not change.
PERMANENT = 500


@dataclass(frozen=True)
class Attachment:
    name: str
    content: bytes


class Undeliverable(Exception):
    """The address takes no mail, and will not."""


def send(name: str, case: Case, *, address: str, code: str = "", attachment: Attachment | None = None) -> None:
    """Render `mail/<name>.txt` in the case's language and send it.

    Errors: OSError when the mail server is away (try again), Undeliverable when it knows no such address.
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
            "status_url": settings.SITE_URL + reverse("residents:status"),
            "keep_out": choices.chosen(case.code),
            "keep_out_url": settings.SITE_URL + reverse("residents:keep-out-code"),
        }
        subject = render_to_string(f"mail/{name}.subject.txt", context).strip()
        text = render_to_string(f"mail/{name}.txt", context)
    try:
        message = EmailMessage(subject=subject, body=text, to=[mail_addresses.normal(address)])
        if attachment is not None:
            message.attach(attachment.name, attachment.content, "application/octet-stream")
        message.send()
    except SMTPRecipientsRefused as refused:
        if all(code >= PERMANENT for code, _why in refused.recipients.values()):
            raise Undeliverable from None
        raise
