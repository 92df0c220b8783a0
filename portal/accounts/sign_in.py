"""Signing in and out: one name, one password, the same answer to every failure."""

from datetime import timedelta

from django.contrib.auth import authenticate, login, logout
from django.db import transaction
from django.http import HttpRequest

from portal.accounts import devices
from portal.accounts.models import User
from portal.audit import append
from portal.audit.tags import Tag
from portal.core import limits, visitors

PERIOD = timedelta(minutes=15)
# The first stops guessing one password, the second one guess at many accounts, the third guessing from many places.
TRIES_PER_ACCOUNT_AND_ADDRESS = 8
TRIES_PER_ADDRESS = 40
TRIES_PER_ACCOUNT = 100
# A device that the account signed in from before has a count of its own instead: nobody else can spend it.
TRIES_PER_DEVICE = 8

BOTH, ADDRESS, ACCOUNT = "sign-in account and address", "sign-in address", "sign-in account"
DEVICE = "sign-in device"


class TooManyTries(Exception):
    """Wait a quarter of an hour. Raised for names without an account too, so it tells nothing about them."""


def sign_in(request: HttpRequest, *, name: str, password: str) -> User | None:
    """The account, now signed in with a new session key; None for any wrong pair. Errors: TooManyTries."""
    tried = User.objects.filter(name=name).first()
    counts = _counts(request, name, tried)
    for scope, key, most in counts:
        if not limits.take(scope, key, most=most, per=PERIOD):
            raise TooManyTries
    account = authenticate(request, username=name, password=password)
    if not isinstance(account, User):
        # Which account was tried, never what was typed: people type passwords into the wrong field.
        append.append(Tag.SIGN_IN_FAILED, about=tried.pk if tried else "no account")
        return None
    for scope, key, _most in counts:
        limits.give_back(scope, key)
    _begin(request, account)
    return account


def _counts(request: HttpRequest, name: str, tried: User | None) -> list[tuple[str, str, int]]:
    """Scope, key and limit of each. Whoever has spent one must not go on to spend the next, which others share."""
    if device := devices.known(request, tried):
        return [(DEVICE, f"{device} {name.casefold()}", TRIES_PER_DEVICE)]
    address, account = visitors.address_of(request), name.casefold()
    return [
        (ADDRESS, address, TRIES_PER_ADDRESS),
        (BOTH, f"{address} {account}", TRIES_PER_ACCOUNT_AND_ADDRESS),
        (ACCOUNT, account, TRIES_PER_ACCOUNT),
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
