"""A lost code, mailed to the address that was left for it.

Anyone may ask, for any address, and is answered the same: nothing is looked up until a fixed time, and then whoever
reads that mailbox alone learns whether there was one. Address and code are sealed together under a key of their own,
which is destroyed when the code is; no index leads from an address to them, so all are opened in turn.
"""

import json
from collections import defaultdict
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from portal.blocks.models import Asked, Choice
from portal.core import clock, keys, mail_addresses, mailing, operator_contact, schedule, sealed
from portal.jobs import queue

_LEFT, _ASKED = "keep-out-recovery", "keep-out-asked"
# So that its length tells nothing of an address; the longest (RFC 5321, section 4.5.3.1.3) fits.
_PADDED_TO = 512


@dataclass(frozen=True)
class Left:
    """What a subject leaves with the request, for the day on which the code is lost."""

    address: str
    code: str
    language: str


def seal(key_id: UUID, left: Left) -> bytes:
    with suppress(FileExistsError):  # from a try whose transaction was rolled back
        keys.create(key_id)
    return sealed.seal(key_id, json.dumps(asdict(left)).encode().ljust(_PADDED_TO), purpose=_LEFT)


@transaction.atomic
def ask(address: str) -> datetime:
    """When it is looked for. Whether anything is found is told to nobody but that mailbox."""
    now = clock.now()
    # Never at this very moment, or the time of asking would be that of looking.
    asked = Asked(asked_at=now, slot_at=schedule.publication_after(now + timedelta(seconds=1)))
    keys.create(asked.pk)
    asked.sealed = sealed.seal(asked.pk, mail_addresses.key(address).encode().ljust(_PADDED_TO), purpose=_ASKED)
    asked.save(force_insert=True)
    queue.enqueue("block.mail_codes", asked.slot_at.isoformat(), run_at=asked.slot_at)
    return asked.slot_at


def mail_codes(_slot: str) -> None:
    """Send what was left for the addresses that were asked for, and forget that they were. Errors: OSError."""
    asked: dict[str, list[Asked]] = defaultdict(list)
    for each in Asked.objects.filter(slot_at__lte=clock.now()):
        with suppress(LookupError):  # forgotten already, but for the row
            address = sealed.unseal(each.pk, each.sealed, purpose=_ASKED).decode()
            asked[mail_addresses.key(address)].append(each)
    found: dict[str, list[Left]] = defaultdict(list)
    for choice in Choice.objects.exclude(recovery_sealed=None).iterator():
        left = _opened(choice)
        if left is not None and (key := mail_addresses.key(left.address)) in asked:
            found[key].append(left)
    failed: OSError | None = None
    for address, rows in asked.items():
        try:
            for left in found[address]:
                _send(left)
        except OSError as error:
            failed = error
        else:
            forget(rows)
    if failed is not None:
        raise failed


def forget(rows: list[Asked]) -> None:
    for row in rows:
        keys.destroy(row.pk)
    Asked.objects.filter(pk__in=[row.pk for row in rows]).delete()


def forget_asked(*, older_than: timedelta) -> None:
    """What no worker came to look for in time."""
    forget(list(Asked.objects.filter(asked_at__lt=clock.now() - older_than)))


def _opened(choice: Choice) -> Left | None:
    assert choice.recovery_key is not None
    assert choice.recovery_sealed is not None
    try:
        return Left(**json.loads(sealed.unseal(choice.recovery_key, choice.recovery_sealed, purpose=_LEFT)))
    except (LookupError, ValueError):
        return None


def _send(left: Left) -> None:
    """Errors: OSError when it is to be tried again. An address that takes no mail any more has nobody to tell."""
    with translation.override(left.language):
        context = {
            "code": left.code,
            "keep_out_url": settings.SITE_URL + reverse("residents:keep-out-code"),
            "operator": settings.OPERATOR_NAME,
            "contact": operator_contact.contact(),
            "help_url": settings.SITE_URL + reverse("residents:help"),
        }
        subject = render_to_string("mail/keep_out_code.subject.txt", context).strip()
        text = render_to_string("mail/keep_out_code.txt", context)
    with suppress(mailing.Undeliverable):
        mailing.deliver(EmailMessage(subject=subject, body=text, to=[left.address]))
