"""Mailed codes: six digits, short-lived, few tries, kept only as a keyed digest."""

import hmac
import secrets
from hashlib import sha256

from django.conf import settings
from django.db import transaction
from django.db.models import F

from portal.cases.faults import CodeExpired, WrongCode
from portal.cases.models import Case, Code
from portal.core import clock
from portal.policies import retention

TRIES = 5


def issue(case: Case) -> str:
    """A new code for the case; an older one ceases to work."""
    code = f"{secrets.randbelow(10**6):06}"
    Code.objects.update_or_create(
        case=case,
        defaults={
            "digest": _digest(case, code),
            "expires_at": clock.now() + retention.CODE.kept_for,
            "tries_left": TRIES,
        },
    )
    return code


def check(case: Case, code: str) -> None:
    """Use the code up. Errors: WrongCode, CodeExpired. A try counts even when the caller's transaction fails later."""
    with transaction.atomic():
        # Counting down first, in one statement, gives parallel guesses no extra try.
        counted = Code.objects.filter(case=case, tries_left__gt=0, expires_at__gt=clock.now()).update(
            tries_left=F("tries_left") - 1
        )
        kept = Code.objects.filter(case=case).first()
    if not counted or kept is None:
        raise CodeExpired
    if not hmac.compare_digest(bytes(kept.digest), _digest(case, code)):
        if kept.tries_left == 0:
            raise CodeExpired
        raise WrongCode(kept.tries_left)
    kept.delete()


def _digest(case: Case, code: str) -> bytes:
    return hmac.new(settings.SECRET_KEY.encode(), f"mailed-code/{case.code}/{code}".encode(), sha256).digest()
