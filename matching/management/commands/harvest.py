"""`manage.py harvest DIR_OR_MANIFEST`: photos into the index, with progress, and again where it stopped."""

import csv
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
from matching.types import Harvestable, HarvestRefused, HarvestRunning, PackError

ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif"}


class Command(BaseCommand):
    help = "Import photos: a folder, or a CSV manifest with the columns file,page,site,harvested_on,country."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", type=Path, help="folder or manifest.csv")
        parser.add_argument("--site", default="harvest.example", help="site to note for photos of a folder")

    def handle(self, *args: Any, source: Path, site: str, **options: Any) -> None:
        entries = list(entries_of(source, site))
        try:
            with tqdm(total=len(entries), unit="photo", disable=not sys.stderr.isatty()) as bar:
                report = service.harvest(entries, on_progress=lambda done: advance(bar, done))
        except KeyboardInterrupt:
            self.stderr.write("Stopped. Nothing is half imported; run the same command again to go on.")
            sys.exit(130)
        except OSError as error:
            raise CommandError(f"The image store cannot be written: {error.strerror}.") from None
        except (PackError, HarvestRunning, HarvestRefused) as error:
            raise CommandError(str(error)) from None
        for name, reason in report.skipped:
            self.stderr.write(f"skipped {name}: {reason}")
        self.stdout.write(
            f"{report.images} images with {report.faces} faces added,"
            f" {report.already} already there or kept out, {len(report.skipped)} skipped"
        )
        if report.kept_out:
            self.stdout.write(f"at least {report.kept_out} kept out because a person in them asked not to be collected")


def advance(bar: "tqdm[Never]", done: int) -> None:
    bar.update(done - bar.n)


def entries_of(source: Path, site: str) -> Iterator[Harvestable]:
    if source.is_dir():
        return from_folder(source, site)
    if source.is_file():
        return from_manifest(source)
    raise CommandError(f"There is no folder or manifest at {source}.")


def from_folder(folder: Path, site: str) -> Iterator[Harvestable]:
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() in ENDINGS and file.is_file():
            page = f"https://{site}/{quote(file.relative_to(folder).as_posix())}"
            yield Harvestable(file, page, site, modified_on(file))


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
