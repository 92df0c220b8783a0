"""Makes the chosen face pack usable and says which it is, for the supervisor."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from matching import service
from matching.errors import PackError


class Command(BaseCommand):
    help = (
        "Fetch the chosen face pack where needed, check its files, that the index holds no other, and that photos are"
        " decoded in confinement; print the pack as JSON."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--pin",
            action="store_true",
            help="vouch for the files of the pack as they are now: from then on only exactly these are loaded",
        )

    def handle(self, *, pin: bool, **_options: Any) -> None:
        try:
            if pin:
                self._pin()
            pack = service.fetch_pack()
            service.require_pack()
            service.require_confinement()
        except PackError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(json.dumps(asdict(pack)))

    def _pin(self) -> None:
        for digest, what in service.pin_pack().items():
            self.stdout.write(f"{digest}  {what}")
