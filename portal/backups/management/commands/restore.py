"""`manage.py restore FILE`: a backup back in place, and nothing served before what was erased since is erased again."""

from argparse import ArgumentParser
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from matching import service
from matching.types import ReplayReport, Store
from portal.backups import dumps
from portal.blocks.models import Choice
from portal.cases import forget, moves, receipts
from portal.cases.models import Case
from portal.cases.states import State
from portal.core import keys, owner
from portal.ledger import signers
from portal.takedowns import holds

OVER = (State.CLOSED, State.EXPIRED)
# What was decided since the backup and is noted outside the database.
NOTES = {
    "hold": "Legal holds",
    "addresses": "Batches of refused addresses",
    "block": "Blocks",
    "choice": "Wishes to be kept out",
}
OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


class Command(BaseCommand):
    help = "Restore the database from FILE, then hide and erase again what was hidden and erased since it was made."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--yes", action="store_true", help="do not ask: what is in the database now is lost")

    def handle(self, *, file: Path, yes: bool, **_options: Any) -> None:
        require_stopped()
        if not yes and input("Everything in the database is replaced. Type yes to go on: ") != "yes":
            raise CommandError("Nothing was changed.")
        try:
            dumps.read(file)
        except dumps.DumpError as error:
            raise CommandError(f"{error} Nothing was changed.") from None
        connections.close_all()
        call_command("migrate", database=owner.ALIAS, interactive=False, verbosity=0, stdout=self.stderr)
        call_command("roles", stdout=StringIO())
        signers.hold()
        service.begin_refused_list_anew()
        self.say_what_was_done_again()

    def say_what_was_done_again(self) -> None:
        replayed = service.replay_tombstones(everything=True)
        self.stdout.write(
            f"{replayed.erased} erased images looked for, {len(replayed.came_back)} had come back and were erased"
            f" again; {replayed.hidden} hidden again, {replayed.unhidden} shown again."
        )
        self.say_what_came_back(replayed)
        self.stdout.write("The crawler's list begins anew: crawlers are answered 409 and read it from the beginning.")
        closed = close_without_key()
        receipts.settle_without_key()
        self.stdout.write(f"{closed} cases whose keys were destroyed since are closed again.")
        left = [image_id for image_id in replayed.came_back if is_left(image_id)]
        if left:
            raise CommandError(f"{len(left)} erased images are still there: do not start the portal; run this again.")
        self.stdout.write("Nothing that was erased is left. The portal may be started.")
        self.stdout.write("The ledger signs nothing until `ledger resume` is shown the newest checkpoint others hold.")

    def say_what_came_back(self, replayed: ReplayReport) -> None:
        self.stdout.write(f"{replayed.held} of the erased images were left alone, because a legal hold keeps them.")
        for kind in sorted(NOTES.keys() | replayed.notes_replayed.keys() | replayed.notes_lost.keys()):
            returned, lost = replayed.notes_replayed.get(kind, 0), replayed.notes_lost.get(kind, 0)
            self.stdout.write(f"{NOTES.get(kind, kind)}: {returned} brought back, {lost} could not be.")
        self.stdout.write(f"{holds.of_lost_accounts()} legal holds belong to an account that the backup does not know.")
        self.stdout.write(
            f"{wishes_without_a_block()} wishes to be kept out have no block, and their request is lost with the backup"
            " or had been refused: whoever was not refused has to ask again."
        )


def require_stopped() -> None:
    with owner.connection().cursor() as cursor:
        cursor.execute(OTHERS)
        others = cursor.fetchone()[0]
    if others > 0:
        raise CommandError(f"{others} other connections use the database: stop web, worker and beat first.")


def close_without_key() -> int:
    """A key is destroyed when its case closes, so a case without one was closed after the backup."""
    had_keys = Case.objects.filter(has_keys=True)
    without = [case for case in had_keys.exclude(state__in=OVER) if not keys.exists(case.key_id)]
    if without and not any(keys.exists(key_id) for key_id in had_keys.values_list("key_id", flat=True)):
        raise CommandError("KEY_STORE holds none of the cases' keys: is it the right folder?")
    for case in without:
        forget.everything(case)
        moves.close_again(case)
    return len(without)


def wishes_without_a_block() -> int:
    there = Case.objects.values("pk")
    orphans = list(Choice.objects.exclude(case__in=there).values_list("block", flat=True))
    return len(orphans) - len(service.active_blocks(orphans))


def is_left(image_id: UUID) -> bool:
    return any(service.present(image_id, store) for store in Store)
