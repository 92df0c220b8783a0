"""Signing in and out: one name, one password, the same answer to every failure."""

from django.contrib.auth import authenticate, login, logout
from django.db import transaction
from django.http import HttpRequest

from portal.accounts.models import User
from portal.audit import append
from portal.audit.tags import Tag
from portal.core import limits, visitors
from portal.policies import budgets

ACCOUNT, ADDRESS = "sign-in account", "sign-in address"


class TooManyTries(Exception):
    """Wait until the budget's period is over. Names without an account raise it too, so it tells nothing."""


def sign_in(request: HttpRequest, *, name: str, password: str) -> User | None:
    """The account, now signed in with a new session key; None for any wrong pair. Errors: TooManyTries."""
    account_key, address = name.casefold(), visitors.address_of(request)
    to_account, from_address = budgets.SIGN_IN_TO_ACCOUNT, budgets.SIGN_IN_FROM_ADDRESS
    # The address first: one that has spent its tries must not go on to spend those of other people's accounts.
    if not limits.take(ADDRESS, address, most=from_address.most, per=from_address.per):
        raise TooManyTries
    if not limits.take(ACCOUNT, account_key, most=to_account.most, per=to_account.per):
        raise TooManyTries
    account = authenticate(request, username=name, password=password)
    if not isinstance(account, User):
        _record_failure(name)
        return None
    limits.give_back(ACCOUNT, account_key)
    limits.give_back(ADDRESS, address)
    _begin(request, account)
    return account


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


def _record_failure(name: str) -> None:
    """Keeps which account was tried, never what was typed: people type passwords into the wrong field."""
    tried = User.objects.filter(name=name).values_list("pk", flat=True).first()
    append.append(Tag.SIGN_IN_FAILED, about=tried or "no account")
