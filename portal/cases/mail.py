"""Mails to residents. Each is one template in two languages; none tells more than the page would."""

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from portal.cases.models import Case
from portal.core import clock


def send(name: str, case: Case, *, address: str, code: str = "") -> None:
    """Render `mail/<name>.txt` in the case's language and send it. Errors: OSError when the mail server is away."""
    with translation.override(case.language):
        context = {
            "code": code,
            "reference": case.reference,
            "received_at": case.received_at or clock.now(),
            "slot_at": case.slot_at,
            "due_on": case.due_on,
            "operator": settings.OPERATOR_NAME,
            "status_url": settings.SITE_URL + reverse("residents:status"),
        }
        subject = render_to_string(f"mail/{name}.subject.txt", context).strip()
        text = render_to_string(f"mail/{name}.txt", context)
    EmailMessage(subject=subject, body=text, to=[address]).send()
