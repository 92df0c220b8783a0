"""`manage.py harvest DIR_OR_MANIFEST`: photos into the index, with progress, and again where it stopped."""

import os
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Never
from urllib.parse import quote

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from matching import service
from matching.errors import BadTable, HarvestRefused, HarvestRunning, NotAllTaken, PackError, ReaderDied
from matching.types import Fault, Harvestable, HarvestReport


class Command(BaseCommand):
    help = (
        "Import photos: a folder, or a manifest (CSV or Parquet) with the columns file, page, site, harvested_on,"
        " country. What a photo is, its content decides: JPEG, PNG, WebP, HEIC, AVIF, GIF, BMP or TIFF, at most 50 MB"
        " and 65 megapixels, or 200 megapixels as JPEG. Status 1 where a photo was not taken; all others are in."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", type=Path, help="folder or manifest.csv")
        parser.add_argument("--site", default="harvest.example", help="site to note for photos of a folder")
        parser.add_argument(
            "--count", action="store_true", help="print how many photos are dealt with, a number a line, for a program"
        )

    def handle(self, *args: Any, source: Path, site: str, count: bool, **options: Any) -> None:
        try:
            self.import_and_report(source, site, count=count)
        except KeyboardInterrupt:
            self.stderr.write("Stopped. Nothing is half imported; run the same command again to go on.")
            sys.exit(130)

    def import_and_report(self, source: Path, site: str, *, count: bool) -> None:
        self.bad_lines = 0  # of a manifest
        with tempfile.TemporaryFile("w+", encoding="utf-8") as faceless:  # there may be millions of them
            report = self.import_photos(source, site, lambda name: print(printable(name), file=faceless), count=count)
            skipped = report.skipped + self.bad_lines
            self.stdout.write(
                f"{report.images} images with {report.faces} faces added,"
                f" {report.already} already there or kept out, {skipped} skipped"
                f" ({report.not_photos} of them not photos)"
            )
            if report.kept_out:
                self.stdout.write(
                    f"at least {report.kept_out} kept out because a person in them asked not to be collected"
                )
            if report.without_face:
                self.stdout.write(f"{report.without_face} of the images added show no face that could be found:")
                faceless.seek(0)
                for name in faceless:
                    self.stdout.write(f"  {name.rstrip()}")
        # A folder may hold other things than photos; a manifest says of each line that it is one.
        if not_taken := skipped - (report.not_photos if source.is_dir() else 0):
            raise CommandError(str(NotAllTaken(not_taken, "photos")))

    def import_photos(
        self, source: Path, site: str, on_faceless: Callable[[str], None], *, count: bool
    ) -> HarvestReport:
        try:
            total = sum(1 for _ in entries_of(source, site))
            with tqdm(total=total, unit="photo", disable=not sys.stderr.isatty()) as bar:
                return service.harvest(
                    self.usable(entries_of(source, site)),
                    on_progress=lambda done: self.say_progress(bar, done, count=count),
                    on_skipped=self.say_skipped,
                    on_faceless=on_faceless,
                )
        except OSError as error:
            raise CommandError(f"The image store cannot be written: {error.strerror}.") from None
        except (BadTable, PackError, HarvestRunning, HarvestRefused, ReaderDied) as error:
            raise CommandError(str(error)) from None

    def usable(self, entries: Iterator[Harvestable | Fault]) -> Iterator[Harvestable]:
        """Of the others it is said on the way why they are not."""
        for entry in entries:
            if isinstance(entry, Fault):
                self.bad_lines += 1
                self.say_skipped(entry.place, entry.reason)
            else:
                yield entry

    def say_progress(self, bar: "tqdm[Never]", done: int, *, count: bool) -> None:
        advance(bar, done)
        if count:
            self.stdout.write(str(done))
            self.stdout.flush()

    def say_skipped(self, name: str, reason: str) -> None:
        with tqdm.external_write_mode():
            self.stderr.write(str(Fault(printable(name), reason)))


def printable(name: str) -> str:
    """A file may be called anything: what is no character, or would break the line, is escaped."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in name)


def advance(bar: "tqdm[Never]", done: int) -> None:
    bar.update(done - bar.n)


def entries_of(source: Path, site: str) -> Iterator[Harvestable | Fault]:
    """Errors: BadTable."""
    if source.is_dir():
        return from_folder(source, site)
    if source.is_file():
        return service.read_manifest(source)
    raise CommandError(f"There is no folder or manifest at {source}.")


def from_folder(folder: Path, site: str) -> Iterator[Harvestable]:
    for file, fault in files_under(folder):
        page = f"https://{site}/{quote(os.fsencode(file.relative_to(folder)))}"
        try:
            harvested_on = modified_on(file)
        except OSError as error:
            yield Harvestable(file, page, site, date.max, fault=fault or unreadable(error))
        except (ValueError, OverflowError):
            yield Harvestable(
                file, page, site, date.max, fault="its date is outside the years 1 to 9999: set it with touch"
            )
        else:
            yield Harvestable(file, page, site, harvested_on, fault=fault)


def unreadable(error: OSError) -> str:
    return f"unreadable ({error.strerror})"


def files_under(folder: Path) -> Iterator[tuple[Path, str]]:
    """Whatever is no folder, and each folder that cannot be read, with what is wrong with it.

    In no order: a folder of millions of photos is never held in memory to be sorted.
    """
    try:
        with os.scandir(folder) as found:
            for each in found:
                if each.is_dir(follow_symlinks=False):
                    yield from files_under(Path(each.path))
                else:
                    yield Path(each.path), ""
    except OSError as error:
        yield folder, unreadable(error)


def modified_on(file: Path) -> date:
    return datetime.fromtimestamp(file.stat().st_mtime, tz=UTC).date()
