"""`manage.py harvest_embeddings FILE`: faces that an engine embedded before, with where they are from."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from matching import service
from matching.errors import BadTable, HarvestRefused, HarvestRunning, NotAllTaken, PackError
from matching.management.commands.harvest import advance
from matching.types import Fault

COLUMNS = """Import ready embeddings: FILE.parquet, or FILE.npy with --ids TABLE (.parquet or .csv), row for row.

columns of the table:
  image         text or whole number: the engine's own id of the image, kept to the last character;
                or file_digest: SHA-256 of its file (32 bytes, or hex)
  page          text: the address it was found at
  harvested_on  date, or text as YYYY-MM-DD
  box           left, top, right, bottom in pixels: a list of four numbers (in CSV: separated by spaces)
  embedding     list of numbers, or bytes (little-endian float32 or float16); not with .npy
  address, site, country, score   optional

Rows of one image stand together; one that stands far apart is skipped and named. They are brought to unit length.
Where a row is refused the other rows of its image enter, and an image that is there is not added to afterwards.
What is there already is passed over with all its faces, so the same command goes on after a stop. The model that made
them must be the index's: recogniser_sha256 in the Parquet file's metadata says so, or --recogniser."""


class Command(BaseCommand):
    help = COLUMNS

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("file", type=Path)
        parser.add_argument("--ids", type=Path, help="the table beside an .npy file")
        parser.add_argument("--recogniser", default="", help="SHA-256 of the model file that made the embeddings")

    def handle(self, *args: Any, file: Path, ids: Path | None, recogniser: str, **options: Any) -> None:
        if (file.suffix.lower() == ".npy") != (ids is not None):
            raise CommandError("An .npy file comes with --ids, a Parquet file without.")
        try:
            count = service.embeddings_in(file, ids=ids)
            with tqdm(total=count, unit="face", disable=not sys.stderr.isatty()) as bar:
                report = service.harvest_embeddings(
                    file,
                    ids=ids,
                    recogniser=recogniser,
                    on_progress=lambda done: advance(bar, done),
                    on_skipped=self.say_skipped,
                )
        except KeyboardInterrupt:
            self.stderr.write("Stopped. No image is there in part; run the same command again to go on.")
            sys.exit(130)
        except (BadTable, PackError, HarvestRunning, HarvestRefused) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"{report.images} images with {report.faces} faces added,"
            f" {report.already} with {report.faces_passed_over} faces already there or kept out,"
            f" {report.skipped} rows skipped"
        )
        if report.skipped:
            raise CommandError(str(NotAllTaken(report.skipped, "rows")))

    def say_skipped(self, name: str, reason: str) -> None:
        with tqdm.external_write_mode():
            self.stderr.write(str(Fault(name, reason)))
