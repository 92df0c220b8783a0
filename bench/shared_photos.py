"""The labelled photos that lie beside the project, as a table for `manage.py calibrate`.

    python -m bench.shared_photos ../shared/faces LABELS.csv
    python -m bench.shared_photos ../shared/faces/people LABELS.csv

The first are few photos of every kind. The second are news photos of thousands of people, on which the shipped
calibrations rest, and members of families, who are there for `--kin` alone: nobody in that set counts as a stranger.
Of the news photos the face in the middle counts. Others are blurred or cut by the edge, and resemble one another.

Left out is what is no photo of a face, what shows a face that another photo shows as well (prints, screens, one person
of a group photo), and copies of one picture in other sizes or turns.
"""

import csv
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from matching.calibration.labels import COLLAGE, Photo

NO_FACES_OF_THEIR_OWN = ("negatives/*", "ambiguous/*", "antispoof/*", "robustness/*")
COPIES = (
    "insightface/rotate__*",
    "insightface/bulk__r[0-9]*",
    "insightface/crop__*",
    "insightface/bulk__kun_crop*",
    "face_recognition/examples__obama[-_]*",
    "face_recognition/examples__two_people*",
    "face_recognition/tests__test_images__obama_partial*",
    "face_recognition/tests__test_images__32bit*",
)
COLLAGES = ("dlib_faces/bald_guys*",)


def photos(faces: Path) -> Iterator[Photo]:
    """Photos of one folder may show somebody twice without a label; so a folder is a group."""
    with (faces / "labels.csv").open(newline="", encoding="utf-8") as file:
        for line, row in enumerate(csv.DictReader(file), 2):
            name = row["file"]
            if not matches(name, NO_FACES_OF_THEIR_OWN + COPIES):
                group = COLLAGE if matches(name, COLLAGES) else name.split("/")[0]
                yield Photo(line, faces / name, row["identity"], group)


def people(folder: Path) -> Iterator[Photo]:
    relatives = some_relatives(folder)
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        for line, row in enumerate(csv.DictReader(file), 2):
            name, identity = row["file"], row["identity"]
            if row["set"] == "lfw":
                yield Photo(line, folder / name, identity, COLLAGE, "lfw")
            elif identity in relatives:
                relatives.remove(identity)  # one photo: the others are often decades apart, or of somebody else
                yield Photo(line, folder / name, identity, COLLAGE, "fiw", family="fiw")


def some_relatives(folder: Path) -> set[str]:
    """Of every fourth pair."""
    with (folder / "kin.csv").open(newline="", encoding="utf-8") as file:
        pairs = [tuple(row.values()) for row in csv.DictReader(file)]
    return {name for pair in [pair for pair in pairs if pair[0].startswith("fiw:")][::4] for name in pair}


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def main() -> None:
    faces, table = Path(sys.argv[1]), Path(sys.argv[2])
    with table.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["file", "identity", "group", "set", "family"])
        for photo in people(faces) if (faces / "kin.csv").is_file() else photos(faces):
            out.writerow([photo.file.relative_to(faces), photo.identity, photo.group, photo.set, photo.family])


if __name__ == "__main__":
    main()
