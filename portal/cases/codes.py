"""Mailed codes: six digits, short-lived, few tries, kept only as a keyed digest."""

import hmac
import secrets
from hashlib import sha256

from django.conf import settings
from django.db.models import F

from portal.cases.faults import CodeExpired, WrongCode
from portal.cases.models import Case, Code
from portal.core import clock
from portal.policies import retention

TRIES = 5


def issue(case: Case, *, address: str) -> str:
    """A new code for the case and this address; an older one ceases to work."""
    code = f"{secrets.randbelow(10**6):06}"
    Code.objects.update_or_create(
        case=case,
        defaults={
            "digest": _digest(case, address, code),
            "expires_at": clock.now() + retention.CODE.kept_for,
            "tries_left": TRIES,
        },
    )
    return code


def drop(case: Case) -> None:
    """A code that was mailed to another address proves nothing about this one."""
    Code.objects.filter(case=case).delete()


def use(case: Case, code: str, *, address: str) -> WrongCode | CodeExpired | None:
    """Use the code up; None when it was right. A fault is returned, not raised, so that the try is counted whatever
    becomes of the caller's transaction."""
    # Counting down first, in one statement, gives parallel guesses no extra try.
    counted = Code.objects.filter(case=case, tries_left__gt=0, expires_at__gt=clock.now()).update(
        tries_left=F("tries_left") - 1
    )
    kept = Code.objects.filter(case=case).first()
    if not counted or kept is None:
        return CodeExpired()
    if not hmac.compare_digest(bytes(kept.digest), _digest(case, address, code)):
        return WrongCode(kept.tries_left) if kept.tries_left else CodeExpired()
    kept.delete()
    return None


def _digest(case: Case, address: str, code: str) -> bytes:
    said = f"mailed-code/{case.code}/{address}/{code}"
    return hmac.new(settings.SECRET_KEY.encode(), said.encode(), sha256).digest()
