"""Makes the chosen face pack usable and says which it is, for the supervisor."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from matching import service


class Command(BaseCommand):
    help = "Fetch the chosen face pack where needed, check that the index holds no other, print it as JSON."

    def handle(self, **_options: Any) -> None:
        try:
            pack = service.fetch_pack()
            service.require_pack()
        except service.PackError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(json.dumps(asdict(pack)))
