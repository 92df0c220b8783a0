"""In place of Django's own command: says what to use instead."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Not here: use `manage.py accounts`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("anything", nargs="*")

    def handle(self, **_options: Any) -> None:
        raise CommandError("Use `manage.py accounts reset NAME`, which leaves an entry in the audit trail.")
