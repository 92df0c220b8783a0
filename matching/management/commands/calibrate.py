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
    Calibration,
    LabelledPhoto,
    Measurement,
    TooFewPairs,
    calibration_from,
    held_out_report,
    labelled_faces,
    operator_folder,
    read_exclusions,
    read_kin,
    read_labels,
    same_picture_of_two_people,
    score_pairs,
    write_calibration,
)
from matching.errors import BadTable, NotAllTaken, PackError
from matching.faces import Pack, chosen_pack, photo_readers, read_photo
from matching.types import Embeddings, Fault

AT_ONCE = 64  # photos in memory
METHOD = "Photos labelled by the operator."

OPTIONS = ("out", "kin", "exclude", "hold_out", "how")

Found = tuple[LabelledPhoto, Embeddings]
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
        parser.add_argument("--kin", type=Path, help="table of relatives, see below")
        parser.add_argument("--exclude", type=Path, help="table of photos with a wrong label, see below")
        parser.add_argument(
            "--hold-out",
            type=int,
            default=0,
            metavar="N",
            help="write nothing; measure without every Nth person, and say what the result does to these",
        )
        parser.add_argument("--how", default=METHOD, help="where the photos are from; nobody's name")

    def handle(self, *args: Any, labels: Path, photos: Path | None, **options: Any) -> None:
        self._faults = 0
        try:
            self._measure(labels, photos or labels.parent, Options(**{each: options[each] for each in OPTIONS}))
        except (BadTable, TooFewPairs, PackError) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"The calibration cannot be written: {error.strerror}.") from None
        if self._faults:
            raise CommandError(str(NotAllTaken(self._faults, "photos")))

    def _measure(self, table: Path, root: Path, asked: Options) -> None:
        pack = chosen_pack()
        target = asked.out or own_file(pack)
        kin = read_kin(asked.kin, self._skip) if asked.kin else frozenset()
        excluded = read_exclusions(asked.exclude, self._skip) if asked.exclude else frozenset()
        given = read_labels(table, root, self._skip, excluded=excluded)
        found = self._without_twins(list(self._faces(given, pack)), kin)
        source = Measurement(pack.info.name, pack.recogniser_sha256, asked.how, timezone.localdate(), len(found))
        if asked.hold_out:
            self._judge(found, kin, source, asked.hold_out)
            return
        measured = score_pairs(labelled_faces(found, kin))
        calibration = calibration_from(source, measured)
        written = write_calibration(target, calibration, measured)
        self._tell(calibration, written, in_use=target.parent == operator_folder())

    def _judge(self, found: list[Found], kin: Kin, source: Measurement, nth: int) -> None:
        people = list(dict.fromkeys(photo.identity for photo, _rows in found if photo.identity))
        apart = frozenset(people[::nth])
        measured, kept = (
            score_pairs(labelled_faces([one for one in found if (one[0].identity in apart) is wanted], kin))
            for wanted in (False, True)
        )
        calibration = calibration_from(source, measured)
        self.stdout.write(f"Measured on {calibration.people:,} people, and judged on {kept.people:,} others:")
        self.stdout.write("\n".join(held_out_report(calibration, kept)))

    def _faces(self, given: list[LabelledPhoto], pack: Pack) -> Iterator[Found]:
        """Largest face first. Of a photo that cannot be used only the line is told: its name may be a person's."""
        bar = tqdm(total=len(given), unit="photo", disable=not sys.stderr.isatty())
        with bar, photo_readers(len(given)) as pool:
            for some in (given[at : at + AT_ONCE] for at in range(0, len(given), AT_ONCE)):
                bar.update(len(some))
                contents = list(self._contents(some))
                outcomes = (map if pool is None else pool.map)(
                    read_photo, [content for _photo, content in contents], [pack] * len(contents)
                )
                for (photo, _content), outcome in zip(contents, outcomes, strict=True):
                    if isinstance(outcome, str):
                        self._skip(Fault(photo.place, outcome))
                    elif not len(outcome.rows):
                        self.stderr.write(f"{photo.place}: no face found")
                    else:
                        yield photo, outcome.rows

    def _contents(self, photos: list[LabelledPhoto]) -> Iterator[tuple[LabelledPhoto, bytes]]:
        for photo in photos:
            try:
                yield photo, photo.file.read_bytes()
            except OSError as error:
                self._skip(Fault(photo.place, f"its file cannot be read ({error.strerror})"))

    def _without_twins(self, found: list[Found], kin: Kin) -> list[Found]:
        """Of one picture that is given to two people nobody knows whose it is. Errors: TooFewPairs."""
        if not found:
            raise TooFewPairs("In none of the photos a face was found.")
        twins = same_picture_of_two_people(labelled_faces(found, kin))
        places = [photo.place for photo, _rows in found]
        for here, there in sorted(twins.items()):
            self._skip(Fault(places[here], why_twins(places, here, there)))
        left = [each for nth, each in enumerate(found) if nth not in twins]
        if not left:
            raise TooFewPairs("In none of the photos that are left a face was found.")
        return left

    def _skip(self, fault: Fault) -> None:
        self._faults += 1
        with tqdm.external_write_mode():
            self.stderr.write(str(fault))

    def _tell(self, calibration: Calibration, written: list[Path], *, in_use: bool) -> None:
        self.stdout.write(
            f"{calibration.faces:,} faces of {calibration.people:,} people in {calibration.photos:,} photos:"
            f" {calibration.genuine_pairs:,} pairs of one person, {calibration.people_pairs:,} pairs of people."
        )
        self.stdout.write(
            f"A certain band exists up to {calibration.largest_supported_comparisons:,} faces times probes."
        )
        self.stdout.write("Written: " + ", ".join(str(path) for path in written))
        if not in_use:
            self.stdout.write("Searches use it once it lies in the folder CALIBRATIONS.")


def why_twins(places: list[str], here: int, there: int) -> str:
    """By their places: a file's name may be a person's."""
    if here == there:
        return "it has one face twice: give it a group that begins with collage"
    return (
        f"its picture is given to another person in {places[there]}, saved anew or cut out differently: no index could"
        " be kept free of such strangers. Take one of them out, give both the same identity, or without one the same"
        " group"
    )


def own_file(pack: Pack) -> Path:
    folder = operator_folder()
    if folder is None:
        raise PackError("CALIBRATIONS names no folder: set it, or say with --out where the calibration goes.")
    return folder / f"{re.sub(r'[^A-Za-z0-9_-]', '_', pack.info.name)}.json"
