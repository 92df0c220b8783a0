"""In place of Django's own command: says what to use instead."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Not here: use `manage.py accounts`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("anything", nargs="*")

    def handle(self, **_options: Any) -> None:
        raise CommandError("There is no superuser here. Use `manage.py accounts create NAME --role staff`.")
