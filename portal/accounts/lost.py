"""Accounts that a restored backup does not know, though what it is told since names them.

An account is named by its number and when it was made: after a restore the same number may be given to somebody else.
"""

from datetime import datetime
from secrets import token_urlsafe

from portal.accounts.models import Role, User

ENDING = ", lost with a restore"


def sign_of(account: User | None) -> str | None:
    """No name, so that it may stand outside the database."""
    return f"{account.pk}@{account.created_at.isoformat()}" if account else None


def account(sign: str | None) -> User | None:
    """The account meant, or one that stands for it and that nobody can sign in to."""
    if sign is None:
        return None
    number, _, created_at = sign.partition("@")
    meant = User.objects.filter(pk=int(number), created_at=datetime.fromisoformat(created_at)).first()
    return meant or _stand_in(f"account {number} of {created_at[:19]}{ENDING}")


def _stand_in(name: str) -> User:
    there = User.objects.filter(name=name).first()
    if there is not None:
        return there
    made = User.objects.create(name=name, role=Role.STAFF, password=token_urlsafe(32))
    made.is_active = False
    made.save(update_fields=["is_active"])
    return made
