from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.core import catalogues


class Command(BaseCommand):
    help = "The translations in locale/: check them, bring them up to date with the sources, or compile them."
    requires_system_checks: list[str] = []  # noqa: RUF012  (Django's own declaration)

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--check", action="store_true", help="fail when a translation is missing or wrong")
        what.add_argument("--update", action="store_true", help="collect new strings from the sources")
        what.add_argument("--compile", action="store_true", help="write the .mo files Django reads")

    def handle(self, *args: Any, check: bool, update: bool, **options: Any) -> None:
        for language in catalogues.languages():
            if check:
                self._check(language)
            elif update:
                self._update(language)
            else:
                self.stdout.write(f"compiled {catalogues.compile_(language)}")

    def _check(self, language: str) -> None:
        if found := list(catalogues.faults(language)):
            listed = "\n".join(f"  {fault}" for fault in found)
            raise CommandError(f"{len(found)} translations into '{language}' need work:\n{listed}")
        self.stdout.write(f"translations into '{language}' are complete")

    def _update(self, language: str) -> None:
        catalogue = catalogues.update(language)
        empty = sum(not all(catalogues.forms(message.string)) for message in catalogue if message.id)
        self.stdout.write(f"{len(catalogue)} messages for '{language}', {empty} without a translation")
