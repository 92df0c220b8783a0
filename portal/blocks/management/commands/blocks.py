"""`manage.py blocks`: how many there are, and what to do when they cannot be asked as they must be."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand
from django.db import transaction

from matching import service
from portal.audit import append
from portal.audit.tags import Tag


class Command(BaseCommand):
    help = "Count the blocks, and say whether each can be opened and holds under the face pack in use."

    def add_arguments(self, parser: ArgumentParser) -> None:
        chosen = parser.add_mutually_exclusive_group()
        chosen.add_argument(
            "--let-sleep",
            action="store_true",
            help="harvest although blocks made with another face pack hold back exact copies alone; it is audited",
        )
        chosen.add_argument(
            "--give-up-unreadable",
            action="store_true",
            help="revoke the blocks that cannot be opened, because their keys are lost for good; it is audited",
        )

    def handle(self, *, let_sleep: bool, give_up_unreadable: bool, **_options: Any) -> None:
        if let_sleep:
            accept_sleep()
        lost = service.unreadable_blocks()
        if give_up_unreadable:
            for block_id in lost:
                give_up(block_id)
            self.stdout.write(f"{len(lost)} given up")
            lost = []
        counts = service.block_counts()
        self.stdout.write(
            f"{counts.active} in force, {counts.dormant} of them asleep under this pack, {len(lost)} unreadable;"
            f" {counts.exemptions} addresses exempted"
        )


@transaction.atomic
def accept_sleep() -> None:
    service.accept_dormant_blocks()
    append.append(Tag.BLOCKS_LET_SLEEP, about="blocks", pack=service.pack().name, asleep=service.block_counts().dormant)


@transaction.atomic
def give_up(block_id: UUID) -> None:
    if service.unblock(block_id):
        append.append(Tag.BLOCKS_GIVEN_UP, about=block_id)
