"""`manage.py purge [--verify]`: take what was deleted off the disk now, and show that it is gone."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from matching import service
from matching.types import PurgeReport
from portal.backups import files
from portal.policies import retention
from portal.purge_proof import canaries
from portal.purge_proof.canaries import Verification

CANARIES = 1000


class Command(BaseCommand):
    help = (
        "Rewrite the tables that hold deleted rows, and turn the log over. Removals are marked purged by their own job."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--verify", action="store_true", help="plant things of nobody and look for them afterwards")
        parser.add_argument("--canaries", type=int, default=CANARIES, dest="count", metavar="N")
        parser.add_argument("--also", type=Path, action="append", default=[], metavar="FOLDER", help="look here too")

    def handle(self, *, verify: bool, count: int, also: list[Path], **_options: Any) -> None:
        if verify:
            self.verify(count, also)
        else:
            self.tell(service.purge(also=retention.SEALED_TABLES))
        self.tell_backups()

    def tell(self, report: PurgeReport) -> None:
        self.stdout.write(f"{len(report.rewritten)} tables rewritten, {len(report.unfinished)} kept back.")
        if report.unfinished:
            self.stdout.write("Kept back, because somebody still sees or uses them: " + ", ".join(report.unfinished))
        if not report.log_recycled:
            self.stdout.write("This server turns its log over in its own time: what was deleted stays in it till then.")
        elif report.log_files is None:
            self.stdout.write(
                "This server does not let its log be looked at: whether anything stays in it is not seen."
            )
        if report.stray_files is None:
            self.stdout.write("This server does not let its folder be looked at: files of no table are not seen.")
        if report.log_files:
            self.stdout.write("Log files that may still hold what was deleted: " + ", ".join(report.log_files))
        if report.stray_files:
            self.stdout.write(
                "Files that belong to no table and may hold what was deleted: " + ", ".join(report.stray_files)
            )
        if report.left_behind:
            self.stdout.write("Nothing is marked purged: see docs/runbooks/why-is-a-removal-not-purged.md.")

    def tell_backups(self) -> None:
        for backup in files.past_deadline():
            self.stdout.write(f"A backup is {backup.age.days} days old and may hold what was removed: {backup.file}")

    def verify(self, count: int, also: list[Path]) -> None:
        found = canaries.verify(count, also)
        self.tell(found.purge)
        self.stdout.write(f"{'':14} {'planted':>8} {'seen':>6} {'left':>6}")
        for line in found.lines:
            self.stdout.write(f"{line.kind:14} {line.planted:8} {line.seen:6} {line.left:6}")
        self.stdout.write(f"No reader was held up for more than {found.longest_wait * 1000:.0f} ms.")
        judge(found, count)
        self.stdout.write(f"canaries {count} · left {found.left}")


def judge(found: Verification, count: int) -> None:
    """Errors: CommandError where something is left, or where nothing was proven."""
    if found.left:
        raise CommandError(f"canaries {count} · left {found.left}")
    if found.unseen:
        raise CommandError(f"{found.unseen} Nothing is left in what could be seen.")
    if not found.proves_something:
        raise CommandError("Some canaries were not seen even before the purge, so their absence proves nothing.")
