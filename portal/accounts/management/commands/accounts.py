"""`manage.py accounts`: the people who sign in. A password is asked for or made at random, and never an argument."""

import secrets
import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from portal.accounts import changes
from portal.accounts.models import Role, User

RANDOM_BYTES = 15  # 20 letters and digits


class Command(BaseCommand):
    help = "List, create, disable and enable accounts, set a new password, give a role. Each change is audited."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="every account with its role")
        create = verbs.add_parser("create", help="a new account")
        reset = verbs.add_parser("reset", help="a new password; whoever is signed in with the old one is signed out")
        role = verbs.add_parser("role", help="another role")
        named = [create, reset, role]
        named += [verbs.add_parser("senior", help="of staff: decides orders, has cases drawn anew")]
        named += [verbs.add_parser("junior", help="not any more")]
        named += [verbs.add_parser("disable", help="keep it from signing in"), verbs.add_parser("enable", help="again")]
        for verb in named:
            verb.add_argument("name")
        for verb in (create, reset):
            verb.add_argument("--random", action="store_true", help="make a password and print it, once")
        create.add_argument("--role", choices=Role.values, required=True)
        create.add_argument("--mail", default="", help="a regulator's, for the ledger's checkpoints")
        role.add_argument("role", choices=Role.values)

    def handle(self, *, verb: str, name: str = "", **options: Any) -> None:
        if verb == "list":
            self.list()
        elif verb == "create":
            self.create(name.strip(), Role(options["role"]), mail=options["mail"], random=options["random"])
        else:
            self.change(verb, named(name.strip()), options)

    def list(self) -> None:
        for account in User.objects.order_by("name"):
            state = ("  senior" if account.is_senior else "") + ("" if account.is_active else "  disabled")
            self.stdout.write(f"{account.name:24} {account.role:10} {account.created_at:%Y-%m-%d}{state}")

    def create(self, name: str, role: Role, *, mail: str, random: bool) -> None:
        if not 0 < len(name) <= 80 or not name.isprintable():
            raise CommandError("A name has 1 to 80 printable characters.")
        if User.objects.filter(name__iexact=name).exists():
            raise CommandError(f"There is an account {name} already.")
        if mail:
            checked(lambda: validate_email(mail))
        changes.create(name, role, password=self.password(random=random), mail=mail)
        self.stdout.write(f"{name} may sign in as {role.label}.")

    def change(self, verb: str, account: User, options: dict[str, Any]) -> None:
        if verb == "reset":
            changes.reset_password(account, password=self.password(random=options["random"]))
            self.stdout.write(f"{account} has a new password.")
        elif verb == "role":
            changes.give_role(account, Role(options["role"]))
            self.stdout.write(f"{account} is {Role(account.role).label} now.")
        elif verb in ("senior", "junior"):
            if account.role != Role.STAFF:
                raise CommandError(f"{account} is not of staff. Nothing was changed.")
            changes.set_senior(account, senior=verb == "senior")
            self.stdout.write(f"{account} {'is' if account.is_senior else 'is no longer'} senior.")
        else:
            changes.set_active(account, active=verb == "enable")
            self.stdout.write(f"{account} {'may sign in' if account.is_active else 'may not sign in any more'}.")

    def password(self, *, random: bool) -> str:
        if random:
            made = secrets.token_urlsafe(RANDOM_BYTES)
            self.stdout.write(f"Password, shown this once: {made}")
            return made
        if not sys.stdin.isatty():
            raise CommandError("There is no terminal to ask for a password at: add --random to have one made.")
        typed = getpass("Password: ")
        checked(lambda: validate_password(typed))
        if getpass("The same again: ") != typed:
            raise CommandError("The two were not the same. Nothing was changed.")
        return typed


def named(name: str) -> User:
    account = User.objects.filter(name=name).first()
    if account is None:
        raise CommandError(f"There is no account {name}: `manage.py accounts list` shows them all.")
    return account


def checked(check: Any) -> None:
    try:
        check()
    except ValidationError as fault:
        raise CommandError(f"{' '.join(fault.messages)} Nothing was changed.") from None
