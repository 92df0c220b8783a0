"""Stand-ins for accounts that a restored backup does not know, although a replayed note names them.

An account is referred to by its number and when it was made, because after a restore the same number may be given to
somebody else.
"""

from datetime import datetime
from secrets import token_urlsafe

from portal.accounts.models import Role, User

ENDING = ", lost with a restore"


def reference_to(account: User | None) -> str | None:
    """Without a name, so that it may be kept outside the database."""
    return f"{account.pk}@{account.created_at.isoformat()}" if account else None


def account_or_stand_in(reference: str | None) -> User | None:
    """The account itself, or if it is unknown, one that stands for it and cannot sign in."""
    if reference is None:
        return None
    number, _, created_at = reference.partition("@")
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
