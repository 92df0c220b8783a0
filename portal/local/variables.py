"""The environment variables of the portal, and what a stack on one machine fills in itself."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

# .env.example says what each is for; a test holds the two lists together.
VARIABLES = (
    "SECRET_KEY",
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "DATABASE_REGULATOR_URL",
    "DATABASE_FOLDER",
    "CELERY_BROKER_URL",
    "BROKER_FOLDER",
    "KEY_STORE",
    "IMAGE_STORE",
    "INDEX",
    "MILVUS_URI",
    "MILVUS_TOKEN",
    "TOMBSTONES",
    "BACKUPS",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_ENDPOINT_URL",
    "AWS_DEFAULT_REGION",
    "PACK",
    "PACKS_FOLDER",
    "PAD_FOLDER",
    "ACCEPT_PACK_LICENCE",
    "CALIBRATIONS",
    "UNCONFINED_DECODER",
    "HARVESTS_A_DAY",
    "DEMO",
    "DEBUG",
    "ALLOWED_HOSTS",
    "TRUSTED_PROXIES",
    "PRIVATE_HOSTS",
    "SITE_URL",
    "EMAIL_URL",
    "MAIL_FROM",
    "ALERTS_TO",
    "ANSWER_SLOT_SECONDS",
    "COOLING_SECONDS",
    "PURGE_SECONDS",
    "NOTICE_WINDOW_SECONDS",
    "CRAWLER_TOKEN",
    "CACHE_URL",
    "SWEEP_SECONDS",
    "LEASE_SECONDS",
    "PUBLISH_SECONDS",
    "STATISTICS_SECONDS",
    "RECEIPT_SLOT_SECONDS",
    "OPERATOR_NAME",
    "OPERATOR_CONTACT",
    "OPERATOR_ADDRESS",
    "PRIVACY_OFFICER",
    "TIME_ZONE",
    "PORT",
)
# A case passes in seconds, so that a visitor sees its end.
DEMO_CLOCK: Mapping[str, str] = {
    "ANSWER_SLOT_SECONDS": "20",
    "COOLING_SECONDS": "0",
    "PURGE_SECONDS": "0",
    "NOTICE_WINDOW_SECONDS": "0",
    "SWEEP_SECONDS": "2",
    "PUBLISH_SECONDS": "30",
    "STATISTICS_SECONDS": "30",
    "RECEIPT_SLOT_SECONDS": "40",
}
NEVER_GUESSED = ("SECRET_KEY", "KEY_STORE", "IMAGE_STORE", "EMAIL_URL")
INVENTED_IN_THE_DEMO = ("OPERATOR_CONTACT", "PRIVACY_OFFICER")  # by the settings


def read_file(path: Path) -> dict[str, str]:
    """Lines of `NAME=value`, quotes optional; anything else is a comment."""
    if not path.exists():
        return {}
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, separator, value = line.strip().removeprefix("export ").partition("=")
        if separator and not name.startswith("#"):
            found[name.strip()] = value.strip().strip("\"'")
    return {name: value for name, value in found.items() if value}


def chosen(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: environment[name] for name in VARIABLES if environment.get(name)}


def surroundings() -> dict[str, str]:
    """This process's environment without any variable of the portal: those come from the stack alone."""
    return {name: value for name, value in os.environ.items() if name not in VARIABLES}


def demo_defaults(folder: Path) -> dict[str, str]:
    return {
        "KEY_STORE": str(folder / "keys"),
        "IMAGE_STORE": f"file://{folder / 'images'}",
        "EMAIL_URL": f"file://{quote(str(folder / 'mail'))}",
        "SECRET_KEY": kept_secret(folder, "SECRET_KEY"),
        **DEMO_CLOCK,
    }


def missing(environment: Mapping[str, str], *, demo: bool) -> list[str]:
    """What only the operator can decide; outside the demo no secret and no place for data has a default."""
    needed = [*NEVER_GUESSED] if demo else [*NEVER_GUESSED, *INVENTED_IN_THE_DEMO]
    if environment.get("DATABASE_URL"):
        needed += ["DATABASE_OWNER_URL", "DATABASE_REGULATOR_URL"]
    return [name for name in needed if not environment.get(name)]


def kept_secret(folder: Path, name: str) -> str:
    """A random secret that stays the same from start to start, in a file only its owner can read."""
    path = folder / "secrets"
    kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    if name not in kept:
        kept[name] = secrets.token_urlsafe(32)
        write_private(path, json.dumps(kept))
    return kept[name]


def write_private(path: Path, text: str) -> None:
    partial = path.with_name(f"{path.name}.new")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.replace(path)
