"""Signing in and out: one name, one password, the same answer to every failure."""

from django.contrib.auth import authenticate, login, logout
from django.db import transaction
from django.http import HttpRequest

from portal.accounts import devices
from portal.accounts.models import User
from portal.audit import append
from portal.audit.tags import Tag
from portal.core import limits, visitors
from portal.policies import budgets
from portal.policies.budgets import Budget

BOTH, ADDRESS, ACCOUNT = "sign-in account and address", "sign-in address", "sign-in account"
DEVICE = "sign-in device"


class TooManyTries(Exception):
    """Wait until the budget's period is over. Names without an account raise it too, so it tells nothing."""


def sign_in(request: HttpRequest, *, name: str, password: str) -> User | None:
    """The account, now signed in with a new session key; None for any wrong pair. Errors: TooManyTries."""
    tried = User.objects.filter(name=name).first()
    counts = _counts(request, name, tried)
    for scope, key, budget in counts:
        if not limits.spend(scope, key, budget):
            raise TooManyTries
    account = authenticate(request, username=name, password=password)
    if not isinstance(account, User):
        # Which account was tried, never what was typed: people type passwords into the wrong field.
        append.append(Tag.SIGN_IN_FAILED, about=tried.pk if tried else "no account")
        return None
    for scope, key, _budget in counts:
        limits.give_back(scope, key)
    _begin(request, account)
    return account


def _counts(request: HttpRequest, name: str, tried: User | None) -> list[tuple[str, str, Budget]]:
    """Scope, key and limit of each. Whoever has spent one must not go on to spend the next, which others share."""
    if device := devices.known(request, tried):
        return [(DEVICE, f"{device} {name.casefold()}", budgets.SIGN_IN_ON_DEVICE)]
    address, account = visitors.address_of(request), name.casefold()
    return [
        (ADDRESS, address, budgets.SIGN_IN_FROM_ADDRESS),
        (BOTH, f"{address} {account}", budgets.SIGN_IN_TO_ACCOUNT_FROM_ADDRESS),
        (ACCOUNT, account, budgets.SIGN_IN_TO_ACCOUNT),
    ]


@transaction.atomic
def sign_out(request: HttpRequest) -> None:
    if isinstance(request.user, User):
        append.append(Tag.SIGNED_OUT, about=request.user.pk, actor=request.user.pk)
    logout(request)


@transaction.atomic
def _begin(request: HttpRequest, account: User) -> None:
    # A resident's case may be bound to this browser's session; it does not follow into an account.
    request.session.flush()
    login(request, account)
    append.append(Tag.SIGNED_IN, about=account.pk, actor=account.pk)
