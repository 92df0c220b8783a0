"""Who is there to look at cases today: staff who signed in today and did not go off duty."""

from django.db.models import QuerySet

from portal.accounts.models import Role, User
from portal.audit import append
from portal.audit.tags import Tag
from portal.core import clock


def begin(account: User) -> None:
    """On duty for the rest of the day. Being so twice changes nothing."""
    if account.role != Role.STAFF or account.on_duty_on == clock.today():
        return
    account.on_duty_on = clock.today()
    account.save(update_fields=["on_duty_on"])
    append.append(Tag.DUTY_BEGUN, about=account.pk, actor=account.pk)


def end(account: User) -> None:
    account.on_duty_on = None
    account.save(update_fields=["on_duty_on"])
    append.append(Tag.DUTY_ENDED, about=account.pk, actor=account.pk)


def is_on_duty(account: User) -> bool:
    return on_duty().filter(pk=account.pk).exists()


def on_duty() -> QuerySet[User]:
    return User.objects.filter(role=Role.STAFF, is_active=True, on_duty_on=clock.today())
