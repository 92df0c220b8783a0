"""Settings from the environment; a missing one is named, never guessed."""

import os
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, "")
    if value:
        return value
    if default is None:
        raise ImproperlyConfigured(f"{name} is not set. Set it in the environment; .env.example says what it is for.")
    return default


def flag(name: str, *, default: bool = False) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if value in {"", "1", "true", "yes", "on", "0", "false", "no", "off"}:
        return default if not value else value in {"1", "true", "yes", "on"}
    raise ImproperlyConfigured(f"{name} must be 1 or 0.")


def integer(name: str, default: int) -> int:
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if not value.isdigit():
        raise ImproperlyConfigured(f"{name} must be a whole number.")
    return int(value)


def period(name: str, default: timedelta) -> timedelta:
    """Given in whole seconds."""
    return timedelta(seconds=integer(name, int(default.total_seconds())))


SHORTEST_SECRET = 32


def unsafe(*, site_url: str, secret_key: str, demo: bool, debug: bool) -> str:
    """Why a portal with these settings must not serve anybody, in one sentence; empty where it may."""
    if len(secret_key) < SHORTEST_SECRET:
        return f"SECRET_KEY is too short: make one of at least {SHORTEST_SECRET} random characters (.env.example)."
    for name, is_on in (("DEMO", demo), ("DEBUG", debug)):
        if is_on and site_url.lower().startswith("https://"):
            return f"{name} is on and SITE_URL is https, so others can reach it: set {name}=0, or use a local address."
    return ""


def names(name: str, default: str) -> list[str]:
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """IP networks or single addresses, separated by commas; none by default."""
    try:
        return [ip_network(part) for part in names(name, "")]
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be IP addresses or networks, such as 10.0.0.0/8.") from None


def folder(name: str) -> Path:
    return Path(text(name)).absolute()


def database(name: str) -> dict[str, Any]:
    """One DATABASES entry from `postgresql://user:password@host:port/name`; a host in the query is a socket folder."""
    url = urlsplit(text(name))
    if url.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(f"{name} must begin with postgresql://")
    query = dict(part.split("=", 1) for part in url.query.split("&") if "=" in part)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(url.path.lstrip("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": unquote(query.get("host", "") or url.hostname or ""),
        "PORT": str(url.port or query.get("port", "")),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # Parameters travel apart from the SQL, so that an error never writes a whole vector into the server's log;
        # no automatic preparation, because it hides a later SET from a prepared plan.
        "OPTIONS": {"server_side_binding": True, "prepare_threshold": None},
    }


def email(name: str, default: str) -> dict[str, Any]:
    """Django's mail settings from `smtp://user:password@host:port`, `smtp+tls://…` or `file:///folder`."""
    url = urlsplit(text(name, default))
    if url.scheme == "file":
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "EMAIL_FILE_PATH": unquote(url.path),
        }
    if url.scheme not in {"smtp", "smtp+tls"}:
        raise ImproperlyConfigured(f"{name} must begin with smtp://, smtp+tls:// or file://")
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": url.hostname or "localhost",
        "EMAIL_PORT": url.port or 25,
        "EMAIL_HOST_USER": unquote(url.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(url.password or ""),
        "EMAIL_USE_TLS": url.scheme == "smtp+tls",
        "EMAIL_TIMEOUT": 10,
    }
