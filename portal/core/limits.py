"""How often something may be tried: sign-in, mailed codes.

Counted in the database, so that every web process counts together and a restart forgets nothing. A key (an account
name, a mail address, a network address) is kept as a keyed digest only.
"""

from datetime import timedelta
from typing import Protocol

from django.db import connection
from django.utils.crypto import salted_hmac

from portal.core import clock
from portal.core.models import Tally

# One statement, so that parallel tries cannot slip past the limit between a read and a write.
_TAKE = """
INSERT INTO core_tally (digest, taken, ends_at) VALUES (%(digest)s, 1, %(ends_at)s)
ON CONFLICT (digest) DO UPDATE SET
    taken = CASE WHEN core_tally.ends_at <= %(now)s THEN 1 ELSE core_tally.taken + 1 END,
    ends_at = CASE WHEN core_tally.ends_at <= %(now)s THEN excluded.ends_at ELSE core_tally.ends_at END
RETURNING taken
"""


def take(scope: str, key: str, *, most: int, per: timedelta) -> bool:
    """Count one try; False when `most` were taken already in the period that began with the first of them."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"digest": _digest(scope, key), "now": now, "ends_at": now + per})
        (taken,) = cursor.fetchone()
    return bool(taken <= most)


class Budget(Protocol):
    """How many tries there are in a period; the rows are in portal.policies.budgets."""

    @property
    def most(self) -> int: ...

    @property
    def per(self) -> timedelta: ...


def spend(scope: str, key: str, budget: Budget) -> bool:
    """Count one try against a budget; False when it was spent already."""
    return take(scope, key, most=budget.most, per=budget.per)


def give_back(scope: str, key: str) -> None:
    """Uncount one try that turned out to be no failure."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE core_tally SET taken = taken - 1 WHERE digest = %s AND taken > 0", [_digest(scope, key)])


def forget_ended() -> int:
    """Drop the counts whose period is over; part of the retention run."""
    return Tally.objects.filter(ends_at__lte=clock.now()).delete()[0]


def _digest(scope: str, key: str) -> bytes:
    # NUL separates: no key can reach into another scope.
    return salted_hmac("portal.core.limits", f"{scope}\0{key}", algorithm="sha256").digest()
