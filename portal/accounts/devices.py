"""Devices that an account signed in from before: a signed cookie, which proves nothing but that.

Whoever has it is not kept out by wrong passwords that others typed. It opens nothing by itself.
"""

from secrets import token_urlsafe
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from portal.accounts.models import User
from portal.policies import retention

COOKIE = "known_device"
_SALT = "portal.accounts.devices"
MOST_ACCOUNTS = 10  # on one device; the one that signed in longest ago is forgotten


def known(request: HttpRequest, account: User | None) -> str:
    """The device's random id, where the account signed in from it before; else empty."""
    device, accounts = _read(request)
    return device if account is not None and account.pk in accounts else ""


def remember(request: HttpRequest, response: HttpResponse, account: User) -> None:
    device, accounts = _read(request)
    accounts = [account.pk, *(pk for pk in accounts if pk != account.pk)][:MOST_ACCOUNTS]
    response.set_cookie(
        COOKIE,
        signing.dumps([device or token_urlsafe(16), accounts], salt=_SALT),
        max_age=retention.DEVICE.kept_for,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read(request: HttpRequest) -> tuple[str, list[int]]:
    try:
        kept: Any = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=retention.DEVICE.kept_for)
    except signing.BadSignature:
        return "", []
    return kept[0], kept[1]
