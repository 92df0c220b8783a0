"""What an operator at a terminal may do with accounts; each change and its entry in the trail in one transaction."""

from django.db import transaction

from portal.accounts.models import Role, User
from portal.audit import append
from portal.audit.tags import Tag


@transaction.atomic
def create(name: str, role: Role, *, password: str, mail: str = "") -> User:
    account = User.objects.create(name=name, role=role, password=password)
    if mail:
        account.mail = mail
        account.save(update_fields=["mail"])
    append.append(Tag.ACCOUNT_CREATED, about=account.pk, role=str(role))
    return account


@transaction.atomic
def set_active(account: User, *, active: bool) -> None:
    """Whoever is disabled is signed out with the next page they ask for."""
    account.is_active = active
    account.save(update_fields=["is_active"])
    append.append(Tag.ACCOUNT_ENABLED if active else Tag.ACCOUNT_DISABLED, about=account.pk)


@transaction.atomic
def set_senior(account: User, *, senior: bool) -> None:
    account.is_senior = senior
    account.save(update_fields=["is_senior"])
    append.append(Tag.ACCOUNT_SENIORITY_CHANGED, about=account.pk, senior=senior)


@transaction.atomic
def reset_password(account: User, *, password: str) -> None:
    """Ends every session that began with the old one."""
    account.set_password(password)
    account.save(update_fields=["password"])
    append.append(Tag.ACCOUNT_PASSWORD_RESET, about=account.pk)


@transaction.atomic
def give_role(account: User, role: Role) -> None:
    before, account.role = account.role, role
    account.save(update_fields=["role"])
    append.append(Tag.ACCOUNT_ROLE_GIVEN, about=account.pk, role=str(role), before=str(before))
