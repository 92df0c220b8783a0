"""The demo's people and photos. Refuses outside the demo: it must never add anything to a real index."""

import json
import secrets
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from django.utils import translation

from portal.accounts.models import Role, User
from portal.demo import pictures

CAST = (("sam", Role.STAFF), ("lee", Role.STAFF), ("rita", Role.REGULATOR))


class Command(BaseCommand):
    help = "Fill the demo: three accounts with random passwords and, unless told otherwise, photos to harvest."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="where the photos are written")
        parser.add_argument("--without-pictures", action="store_true", help="accounts only")

    def handle(self, *args: Any, folder: Path, without_pictures: bool, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("DEMO is not 1: the demo world is not for a real index.")
        if not without_pictures:
            call_command("harvest", str(pictures.write(folder)), stdout=self.stderr)
        selfie = "" if without_pictures else str(folder / pictures.SELFIE)
        accounts = [_account(name, role) for name, role in CAST]
        self.stdout.write(json.dumps({"accounts": accounts, "selfie": selfie}))


def _account(name: str, role: Role) -> dict[str, str]:
    """Make the account, or give the one of an earlier run a new password."""
    password = secrets.token_urlsafe(12)
    account = User.objects.filter(name=name).first()
    if account is None:
        # Two people decide an order, and both are senior.
        User.objects.create(name=name, role=role, password=password, is_senior=role == Role.STAFF)
    else:
        account.set_password(password)
        account.save(update_fields=["password"])
    with translation.override("en"):
        page = "regulators:numbers" if role == Role.REGULATOR else "staff:queue"
        url = settings.SITE_URL + reverse(page)
    return {"name": name, "role": str(role), "password": password, "url": url}
