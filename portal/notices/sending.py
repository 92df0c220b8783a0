"""The two ways that a notice travels."""

import json
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from portal.core import clock, mail_addresses
from portal.core.http import Answer, Client
from portal.notices import signing
from portal.notices.content import opened
from portal.notices.models import Notice
from portal.policies import notices as policy

# 410: the standard's word of a receiver that wants no more of these.
_WILL_NOT_CHANGE = (400, 401, 403, 404, 405, 410)


class NotDelivered(Exception):
    def __init__(self, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.permanent = permanent


def by_webhook(notice: Notice) -> bool:
    """True where the answer itself acknowledges. Errors: NotDelivered, http.Refused, http.NoAnswer."""
    body = opened(notice)
    headers = {"Content-Type": "application/json", **signing.webhook_headers(notice.pk, clock.now(), body)}
    answer = Client().send("POST", notice.recipient.endpoint, body=body, headers=headers)
    if not answer.ok:
        raise NotDelivered(f"answered {answer.status}", permanent=answer.status in _WILL_NOT_CHANGE)
    return _acknowledges(answer, notice.pk)


def _acknowledges(answer: Answer, notice_id: UUID) -> bool:
    """Having received is not having deleted: only these words count."""
    try:
        said = json.loads(answer.body)
    except ValueError:
        return False
    return isinstance(said, dict) and said.get("acknowledged") == str(notice_id)


def by_mail(notice: Notice) -> None:
    """The same bytes and their signature as files, and a page to acknowledge them on. Errors: OSError."""
    body = opened(notice)
    told = json.loads(body)
    headers = signing.webhook_headers(notice.pk, clock.now(), body)
    with translation.override(notice.recipient.language):
        context = {
            "operator": settings.OPERATOR_NAME,
            "images": len(told["images"]),
            "days": policy.ACKNOWLEDGE_WITHIN.days,
            "url": told["acknowledge_in_a_browser"],
            "key_url": settings.SITE_URL + reverse("api:notice-key"),
        }
        subject = render_to_string("mail/notice.subject.txt", context).strip()
        text = render_to_string("mail/notice.txt", context)
    mail = EmailMessage(subject=subject, body=text, to=[mail_addresses.normal(notice.recipient.endpoint)])
    mail.attach("notice.json", body, "application/json")
    mail.attach("notice.signature.txt", "".join(f"{name}: {value}\n" for name, value in headers.items()), "text/plain")
    mail.send()
