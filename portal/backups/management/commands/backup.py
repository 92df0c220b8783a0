"""`manage.py backup [FILE]`: the database in one file. Keys, tombstones and photos are elsewhere, and stay there."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.backups import dumps, files


class Command(BaseCommand):
    help = "Write a backup of the database to FILE, or to the folder BACKUPS."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="?")

    def handle(self, *, file: Path | None, **_options: Any) -> None:
        try:
            target = file or files.new()
            dumps.write(target)
        except (dumps.DumpError, files.NoFolder) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"The backup cannot be written: {error.strerror}.") from None
        self.stdout.write(f"Backed up to {target}. It holds no key: keep KEY_STORE apart from it.")
