"""`manage.py calibrate LABELS`: measure the chosen pack on labelled photos, and let the bands rest on that."""

import re
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from matching.calibration import (
    LABELS_FORMAT,
    BadLabels,
    Calibration,
    LabelledFaces,
    LabelledPhoto,
    Source,
    TooLittle,
    calibration_of,
    gather,
    given_to_two,
    judged,
    own_folder,
    read_exclusions,
    read_kin,
    read_labels,
    separate,
    write_calibration,
)
from matching.errors import PackError
from matching.faces import Pack, chosen_pack, photo_readers, read_photo
from matching.types import Embeddings

AT_ONCE = 64  # photos in memory
HOW = "Photos labelled by the operator."
OPTIONS = ("out", "kin", "exclude", "hold_out", "how")
Seen = tuple[LabelledPhoto, Embeddings]
Kin = frozenset[frozenset[str]]


@dataclass(frozen=True)
class Options:
    out: Path | None
    kin: Path | None
    exclude: Path | None
    hold_out: int
    how: str


class Command(BaseCommand):
    help = "Measure how well the chosen face pack tells people apart, on labelled photos; searches use the result."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = LABELS_FORMAT
        parser.add_argument("labels", type=Path, help="CSV file, see below")
        parser.add_argument("--photos", type=Path, help="the folder the files are in; else that of LABELS")
        parser.add_argument("--out", type=Path, help="JSON file to write; else one in the folder CALIBRATIONS")
        parser.add_argument("--kin", type=Path, help="CSV file of relatives, see below")
        parser.add_argument("--exclude", type=Path, help="CSV file of photos with a wrong label, see below")
        parser.add_argument(
            "--hold-out",
            type=int,
            default=0,
            metavar="N",
            help="write nothing; measure without every Nth person, and say what the result does to these",
        )
        parser.add_argument("--how", default=HOW, help="where the photos are from; nobody's name")

    def handle(self, *args: Any, labels: Path, photos: Path | None, **options: Any) -> None:
        try:
            self._measure(labels, photos or labels.parent, Options(**{each: options[each] for each in OPTIONS}))
        except (BadLabels, TooLittle, PackError) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"The calibration cannot be written: {error.strerror}.") from None

    def _measure(self, table: Path, root: Path, asked: Options) -> None:
        pack = chosen_pack()
        target = asked.out or own_file(pack)
        kin = read_kin(asked.kin) if asked.kin else frozenset()
        excluded = read_exclusions(asked.exclude) if asked.exclude else frozenset()
        found = list(self._faces(read_labels(table, root, excluded=excluded), pack))
        source = Source(pack.info.name, pack.recogniser_sha256, asked.how, timezone.localdate(), len(found))
        if asked.hold_out:
            self._judge(found, kin, source, asked.hold_out)
            return
        faces = gathered(found, kin)
        refuse_one_picture_of_two(faces, [photo.line for photo, _rows in found])
        measured = separate(faces)
        calibration = calibration_of(source, measured)
        written = write_calibration(target, calibration, measured)
        self._tell(calibration, written, in_use=target.parent == own_folder())

    def _judge(self, found: list[Seen], kin: Kin, source: Source, nth: int) -> None:
        people = list(dict.fromkeys(photo.identity for photo, _rows in found if photo.identity))
        apart = frozenset(people[::nth])
        measured, kept = (
            separate(gathered([one for one in found if (one[0].identity in apart) is wanted], kin))
            for wanted in (False, True)
        )
        calibration = calibration_of(source, measured)
        self.stdout.write(f"Measured on {calibration.people:,} people, and judged on {kept.people:,} others:")
        self.stdout.write("\n".join(judged(calibration, kept)))

    def _faces(self, given: list[LabelledPhoto], pack: Pack) -> Iterator[Seen]:
        """Largest face first. Of a photo that cannot be used only the line is told: its name may be a person's."""
        bar = tqdm(total=len(given), unit="photo", disable=not sys.stderr.isatty())
        with bar, photo_readers(len(given)) as pool:
            for some in (given[at : at + AT_ONCE] for at in range(0, len(given), AT_ONCE)):
                contents = [photo.file.read_bytes() for photo in some]
                outcomes = (map if pool is None else pool.map)(read_photo, contents, [pack] * len(some))
                for photo, outcome in zip(some, outcomes, strict=True):
                    bar.update()
                    if isinstance(outcome, str):
                        self.stderr.write(f"line {photo.line}: {outcome}")
                    elif not len(outcome.rows):
                        self.stderr.write(f"line {photo.line}: no face found")
                    else:
                        yield photo, outcome.rows

    def _tell(self, calibration: Calibration, written: list[Path], *, in_use: bool) -> None:
        self.stdout.write(
            f"{calibration.faces:,} faces of {calibration.people:,} people in {calibration.photos:,} photos:"
            f" {calibration.genuine_pairs:,} pairs of one person, {calibration.people_pairs:,} pairs of people."
        )
        self.stdout.write(f"A certain band exists up to {calibration.largest_supported:,} faces times probes.")
        self.stdout.write("Written: " + ", ".join(str(path) for path in written))
        if not in_use:
            self.stdout.write("Searches use it once it lies in the folder CALIBRATIONS.")


def gathered(found: list[Seen], kin: Kin) -> LabelledFaces:
    """Errors: TooLittle."""
    if not found:
        raise TooLittle("In none of the photos a face was found.")
    return gather(found, kin)


def refuse_one_picture_of_two(faces: LabelledFaces, lines: list[int]) -> None:
    """By their lines: a file's name may be a person's. Errors: BadLabels."""
    two = given_to_two(faces)
    if two is None:
        return
    one, other = sorted(lines[photo] for photo in two)
    if one == other:
        raise BadLabels(f"Line {one} of the table has one face twice: give it a group that begins with collage.")
    raise BadLabels(
        f"Lines {one} and {other} of the table give one picture to two people, saved anew or cut out differently:"
        " no index could be kept free of such strangers. Take one of them out, give both the same identity, or without"
        " one the same group."
    )


def own_file(pack: Pack) -> Path:
    folder = own_folder()
    if folder is None:
        raise PackError("CALIBRATIONS names no folder: set it, or say with --out where the calibration goes.")
    return folder / f"{re.sub(r'[^A-Za-z0-9_-]', '_', pack.info.name)}.json"
