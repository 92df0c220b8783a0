"""Where a request comes from, for limits alone: nothing keeps it."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest

Address = IPv4Address | IPv6Address
# What one subscriber of IPv6 is given at least: each of its addresses is as good as the next.
ONE_SUBSCRIBER = 64


def address_of(request: HttpRequest) -> str:
    """The nearest address that is none of TRUSTED_PROXIES; empty where the server names none.

    Each proxy adds to X-Forwarded-For whom it was asked by, and whoever asks may send one filled in already. So it
    is read from its end, and only as far as those are trusted who wrote it.
    """
    seen = _read(request.META.get("REMOTE_ADDR", ""))
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while seen is not None and hops and _is_proxy(seen):
        hop = _read(hops.pop())
        if hop is None:
            break
        seen = hop
    return "" if seen is None else _subscriber(seen)


def is_from_proxy(request: HttpRequest) -> bool:
    """Whether one of TRUSTED_PROXIES sent it, so that what it says about the visitor counts."""
    seen = _read(request.META.get("REMOTE_ADDR", ""))
    return seen is not None and _is_proxy(seen)


def _is_proxy(address: Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)


def _read(text: str) -> Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _subscriber(address: Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((address.packed, ONE_SUBSCRIBER), strict=False))
