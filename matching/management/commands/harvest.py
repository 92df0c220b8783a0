"""`manage.py harvest DIR_OR_MANIFEST`: photos into the index, with progress, and again where it stopped."""

import csv
import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Never
from urllib.parse import quote, urlsplit

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from matching import service
from matching.errors import HarvestRefused, HarvestRunning, PackError, ReaderDied
from matching.types import Harvestable

ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif"}


class Command(BaseCommand):
    help = "Import photos: a folder, or a CSV manifest with the columns file,page,site,harvested_on,country."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", type=Path, help="folder or manifest.csv")
        parser.add_argument("--site", default="harvest.example", help="site to note for photos of a folder")
        parser.add_argument(
            "--count", action="store_true", help="print how many photos are dealt with, a number a line, for a program"
        )

    def handle(self, *args: Any, source: Path, site: str, count: bool, **options: Any) -> None:
        # Counted first, which also finds a bad line of a manifest before anything is imported.
        total = sum(1 for _ in entries_of(source, site))
        try:
            with tqdm(total=total, unit="photo", disable=not sys.stderr.isatty()) as bar:
                report = service.harvest(
                    entries_of(source, site),
                    on_progress=lambda done: self.say_progress(bar, done, count=count),
                    on_skipped=self.say_skipped,
                )
        except KeyboardInterrupt:
            self.stderr.write("Stopped. Nothing is half imported; run the same command again to go on.")
            sys.exit(130)
        except OSError as error:
            raise CommandError(f"The image store cannot be written: {error.strerror}.") from None
        except (PackError, HarvestRunning, HarvestRefused, ReaderDied) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"{report.images} images with {report.faces} faces added,"
            f" {report.already} already there or kept out, {report.skipped} skipped"
        )
        if report.kept_out:
            self.stdout.write(f"at least {report.kept_out} kept out because a person in them asked not to be collected")

    def say_progress(self, bar: "tqdm[Never]", done: int, *, count: bool) -> None:
        advance(bar, done)
        if count:
            self.stdout.write(str(done))
            self.stdout.flush()

    def say_skipped(self, name: str, reason: str) -> None:
        with tqdm.external_write_mode():
            self.stderr.write(f"skipped {name}: {reason}")


def advance(bar: "tqdm[Never]", done: int) -> None:
    bar.update(done - bar.n)


def entries_of(source: Path, site: str) -> Iterator[Harvestable]:
    if source.is_dir():
        return from_folder(source, site)
    if source.is_file():
        return from_manifest(source)
    raise CommandError(f"There is no folder or manifest at {source}.")


def from_folder(folder: Path, site: str) -> Iterator[Harvestable]:
    for file in files_under(folder):
        if file.suffix.lower() in ENDINGS:
            page = f"https://{site}/{quote(file.relative_to(folder).as_posix())}"
            yield Harvestable(file, page, site, modified_on(file))


def files_under(folder: Path) -> Iterator[Path]:
    """In no order: a folder of millions of photos is never held in memory to be sorted."""
    with os.scandir(folder) as found:
        for each in found:
            if each.is_dir(follow_symlinks=False):
                yield from files_under(Path(each.path))
            elif each.is_file():
                yield Path(each.path)


def modified_on(file: Path) -> date:
    return datetime.fromtimestamp(file.stat().st_mtime, tz=UTC).date()


def from_manifest(manifest: Path) -> Iterator[Harvestable]:
    with manifest.open(newline="", encoding="utf-8-sig") as rows:
        for number, row in enumerate(csv.DictReader(rows), 2):
            try:
                yield Harvestable(
                    file=manifest.parent / row["file"],
                    page=row["page"],
                    site=row.get("site") or urlsplit(row["page"]).hostname or "",
                    harvested_on=date.fromisoformat(row["harvested_on"]),
                    country=(row.get("country") or "").upper(),
                )
            except (KeyError, TypeError, ValueError):
                raise CommandError(
                    f"Line {number} of the manifest needs file, page and harvested_on (YYYY-MM-DD)."
                ) from None
