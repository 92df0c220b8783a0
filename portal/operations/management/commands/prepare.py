"""Everything between an empty database and the first visitor, in one process: loading Django takes its second once."""

import json
from argparse import ArgumentParser
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from matching import service
from portal.core import owner


class Command(BaseCommand):
    help = "Migrate, apply the grants, make the face pack usable, fill the demo; print pack and demo world as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--world", type=Path, help="fill the demo and write its photos to this folder")
        parser.add_argument("--without-pictures", action="store_true", help="accounts only")

    def handle(self, *, world: Path | None, without_pictures: bool, **_options: Any) -> None:
        call_command("migrate", database=owner.ALIAS, interactive=False, verbosity=0, stdout=self.stderr)
        call_command("roles", stdout=self.stderr)
        call_command("ledger", "create-key", "--unless-there", stdout=self.stderr)
        report = {"pack": printed("face_pack", stderr=self.stderr), "files": service.pack_files()}
        if world is not None:
            report["world"] = printed("demo_world", world, without_pictures=without_pictures, stderr=self.stderr)
        self.stdout.write(json.dumps(report))


def printed(command: str, *arguments: Any, **options: Any) -> Any:
    """The JSON on the last line of what a command prints."""
    output = StringIO()
    call_command(command, *arguments, stdout=output, **options)
    return json.loads(output.getvalue().splitlines()[-1])
