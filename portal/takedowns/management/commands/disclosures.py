"""`manage.py disclosures FILE`: the operator's register of who was shown which image, and again where it stopped."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from tqdm import tqdm

from matching import service
from matching.errors import BadTable, NotAllTaken
from matching.types import Fault, RegisterLine
from portal.notices import writing
from portal.takedowns import holds
from portal.takedowns.connectors.recipients import Recipients
from portal.takedowns.models import Step, Takedown
from portal.takedowns.states import StepState, TakedownState

BATCH = 5000  # images looked at at once


class Command(BaseCommand):
    help = "Take in a register of disclosures: CSV or Parquet with shown_at, client, agency, image or address."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *_args: Any, file: Path, **_options: Any) -> None:
        taken = new = faults = 0
        broken = ""
        try:
            for lines, bad in batches(file):
                new += keep(lines)
                taken += len(lines)
                faults += len(bad)
                self._tell(bad)
        except KeyboardInterrupt:
            self.stderr.write("Stopped. Run the same command again to go on; no line is taken twice.")
            sys.exit(130)
        except BadTable as fault:
            broken = f"{fault} {taken} lines were taken."
        # In this order: what is gone by the second look was on its way at the first. The reverse would miss it.
        tell_of_what_is_on_its_way()
        tell_of_what_was_removed_before()
        self.stdout.write(f"{new} lines added, {taken - new} already there, {faults} not taken")
        if broken or faults:
            raise CommandError(broken or str(NotAllTaken(faults, "lines")))

    def _tell(self, faults: list[Fault]) -> None:
        with tqdm.external_write_mode():
            for fault in faults:
                self.stderr.write(str(fault))


def batches(file: Path) -> Iterator[tuple[list[RegisterLine], list[Fault]]]:
    register = service.open_register(file)
    with tqdm(total=register.length, unit_scale=True, disable=not sys.stderr.isatty()) as bar:
        for batch, reached in register.read():
            bar.update(reached - bar.n)
            lines = [line for line in batch if isinstance(line, RegisterLine)]
            yield lines, [line for line in batch if isinstance(line, Fault)]


@transaction.atomic
def keep(lines: list[RegisterLine]) -> int:
    return service.import_disclosures(lines)


def tell_of_what_is_on_its_way() -> None:
    """The register may come between telling the recipients and the end of the removal, which may be long.

    Before the index forgets an image its removal looks once more by itself; so does one that is held, after release.
    """
    told = Step.objects.filter(store=Recipients.name, state=StepState.VERIFIED)
    waiting = Takedown.objects.filter(state__in=[TakedownState.REMOVING, TakedownState.STUCK], steps__in=told).order_by(
        "pk"
    )
    after = 0
    while True:
        with holds.no_hold_meanwhile():
            batch = list(waiting.filter(pk__gt=after)[:BATCH])
            writing.tell([takedown.image_id for takedown in batch])
        if not batch:
            return
        after = batch[-1].pk


def tell_of_what_was_removed_before() -> None:
    """The register may come after the removal. Then only the image's id is left to tell its recipients by."""
    after = UUID(int=0)
    while images := service.disclosed_and_gone(after=after, most=BATCH):
        removed = Takedown.objects.filter(image_id__in=images, state__in=[TakedownState.REMOVED, TakedownState.PURGED])
        writing.tell(list(removed.values_list("image_id", flat=True)))
        after = images[-1]
