"""The two ways that a notice travels."""

import json
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from portal.core import clock, mailing, operator_contact
from portal.core.http import Client, TooLarge
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
    try:
        answer = Client().send("POST", notice.recipient.endpoint, body=body, headers=headers)
        status, said = answer.status, answer.body
    except TooLarge as large:
        status, said = large.status, b""
    if not 200 <= status < 300:
        raise NotDelivered(f"answered {status}", permanent=status in _WILL_NOT_CHANGE)
    return _acknowledges(said, notice.pk)


def _acknowledges(answer: bytes, notice_id: UUID) -> bool:
    """Having received is not having deleted: only these words count."""
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError):  # no JSON, or nested without end
        return False
    return isinstance(said, dict) and said.get("acknowledged") == str(notice_id)


def by_mail(notice: Notice) -> None:
    """The same bytes and their signature as files, and a page to acknowledge them on.

    Errors: NotDelivered, OSError.
    """
    body = opened(notice)
    told = json.loads(body)
    headers = signing.webhook_headers(notice.pk, clock.now(), body)
    with translation.override(notice.recipient.language):
        context = {
            "operator": settings.OPERATOR_NAME,
            "contact": operator_contact.contact(),
            "images": len(told["images"]),
            "days": policy.ACKNOWLEDGE_WITHIN.days,
            "url": told["acknowledge_in_a_browser"],
            "key_url": settings.SITE_URL + reverse("api:notice-key"),
        }
        subject = render_to_string("mail/notice.subject.txt", context).strip()
        text = render_to_string("mail/notice.txt", context)
    message = EmailMessage(subject=subject, body=text, to=[notice.recipient.endpoint])
    signature = "".join(f"{name}: {value}\n" for name, value in headers.items())
    message.attach("notice.json", body, "application/json")
    message.attach("notice.signature.txt", signature, "text/plain")
    try:
        mailing.deliver(message)
    except mailing.Undeliverable as refused:
        raise NotDelivered(f"refused {refused.reply}", permanent=True) from None
