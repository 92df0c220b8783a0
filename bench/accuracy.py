"""How much of a person is found, and who else: on the labelled photos beside the project, for both packs.

    python -m bench.accuracy ../shared

For each person with enough photos, each photo in turn is the selfie. The case is played with the product's own rules
for bands and expansion and its detectors, as if the index held fifty faces, where something may be certain, and as if
it held a hundred thousand, where the probable band is cut short to keep false positives out. The bands of a case come
from a calibration without that person, because the shipped one has seen these photos. False positives are scaled up to
the size of the index. Staff are taken to confirm exactly what is right.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import rows as figures
from bench import shared_photos
from bench.read_faces import PROJECT, Seen, configure, read_all
from bench.rows import Row
from matching.calibration import bands, files, pair_scores
from matching.calibration.bands import Calibration
from matching.calibration.files import Measurement
from matching.calibration.labels import COLLAGE, Photo
from matching.faces import packs
from matching.faces.packs import Pack
from matching.types import Embeddings

configure()
from matching.search import expansion  # noqa: E402  (it needs the models, which exist from here on)

SMALL, LARGE = 50, 100_000  # faces
SELFIES = 3
ROUNDS = 8  # of confirming, after which nothing new ever appeared
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Gallery:
    calibrations: dict[str, Calibration]  # by person: from everybody else's photos
    rows: Embeddings
    mirrored: Embeddings
    person: NDArray[np.str_]  # empty where unknown
    photo: NDArray[np.intp]
    group: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Ways:
    """What a case is searched with."""

    selfies: int = 1
    mirrored: bool = False
    expanded: bool = False
    ruled: bool = True  # by the rule of matching.search.expansion
    unseen: bool = False  # everything found counts as confirmed, as if nobody looked


@dataclass(frozen=True)
class Score:
    recall: float
    certain: float  # the share of what was to be found that was certain
    false_positives: float  # a case, in an index of that size
    certain_false_positives: float
    impostors: int  # pairs of a case and a face of somebody else that were compared
    wanted: int  # pairs of a case and a photo that was to be found
    cases: int
    people: int

    @property
    def sample(self) -> str:
        return f"of {self.wanted} searches for one photo each, in {self.cases} cases of {self.people} people"


def measure(shared: Path) -> list[Row]:
    """In a process of its own, since it needs the settings of matching alone."""
    command = [sys.executable, "-m", "bench.accuracy", str(shared.resolve()), "--json"]
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, check=True, text=True)  # noqa: S603  (our own)
    return [Row(**row) for row in json.loads(done.stdout.splitlines()[-1])]


def rows(shared: Path) -> list[Row]:
    return [row for name in ("dlib", "buffalo_sc") for row in of_pack(name, shared)]


def of_pack(name: str, shared: Path) -> Iterator[Row]:
    pack = packs.named(name if name == "dlib" else str(shared / "models" / name), packs.folder())
    photos = list(shared_photos.photos(shared / "faces"))
    seen = list(read_all(photos, pack))
    yield from of_detection(name, seen, shared, pack)
    gallery = gathered(seen, pack)
    for size in (SMALL, LARGE):
        yield from of_ways(f"{name}, as if {size:,} faces", gallery, size)
    yield from of_drift(name, gallery)


def of_ways(called: str, gallery: Gallery, size: int) -> Iterator[Row]:
    ways = {
        "mirrored": Ways(mirrored=True),
        f"{SELFIES} selfies": Ways(selfies=SELFIES),
        "expansion": Ways(expanded=True),
        "all of these": Ways(selfies=SELFIES, mirrored=True, expanded=True),
    }
    alone = played(gallery, Ways(), size)
    note = f"of {alone.impostors:,} pairs of a case and a face of somebody else, scaled to the index"
    yield figures.alone(f"{called}: recall, one photo", alone.recall, "share of photos", note=alone.sample)
    yield figures.alone(f"{called}: false positives, one photo", alone.false_positives, "a case", note=note)
    if size == SMALL:
        yield figures.alone(
            f"{called}: certain at once, one photo", alone.certain, "share of photos", note=alone.sample
        )
        yield figures.alone(
            f"{called}: certain false positives",
            alone.certain_false_positives,
            "a case",
            at_most=bands.EXPECTED_FALSE_POSITIVES_CERTAIN,
            note=note,
        )
    for name, way in ways.items():
        score = played(gallery, way, size)
        yield figures.beside(
            f"{called}: recall, {name}",
            score.recall,
            "share of photos",
            peer="one photo",
            peer_value=alone.recall,
            note=score.sample,
        )
        yield figures.alone(f"{called}: false positives, {name}", score.false_positives, "a case", note=note)


def of_drift(name: str, gallery: Gallery) -> Iterator[Row]:
    """The worst case: a threshold at which own probes bring half a false positive a case, and nobody looks."""
    threshold = stressed(gallery)
    alone, ruled, unruled = (
        drifted(gallery, threshold, way) for way in (Ways(), Ways(expanded=True), Ways(expanded=True, ruled=False))
    )
    note = f"in {len(list(cases(gallery)))} cases, at {threshold:.3f}, confirmed unseen; own probes bring {alone:.2f}"
    yield figures.beside(
        f"{name}: false positives by drift, with the rule",
        ruled,
        "a case",
        peer="expansion without the rule",
        peer_value=unruled,
        less_is_better=True,
        note=note,
    )


def of_detection(name: str, seen: list[Seen], shared: Path, pack: Pack) -> Iterator[Row]:
    labelled = [one for one in seen if one.photo.identity]
    full, plain = (
        np.mean([bool(len(found)) for found in faces])
        for faces in ([one.rows for one in labelled], [one.plain for one in labelled])
    )
    plainly = "one upright pass at one size"
    yield figures.beside(
        f"{name}: labelled photos in which a face is found",
        float(full),
        "share of photos",
        peer=plainly,
        peer_value=float(plain),
        note=f"{len(labelled)} photos",
    )
    hard = list(read_all([turned_photo(file) for file in turned(shared)], pack))
    found_turned, plain_turned = (
        float(np.mean([bool(len(faces)) for faces in seen_so]))
        for seen_so in ([one.rows for one in hard], [one.plain for one in hard])
    )
    yield figures.alone(
        f"{name}: turned photos in which a face is found",
        found_turned,
        "share of photos",
        note=f"{len(hard)} photos, by 90, 180 and 270 degrees; {plain_turned:.2f} in {plainly}",
    )


def turned(shared: Path) -> list[Path]:
    return [
        file
        for pattern in ("rotate__rot_*", "bulk__r[0-9]*")
        for file in sorted((shared / "faces" / "insightface").glob(pattern))
        if not file.stem.endswith(("_0", "__r0"))
    ]


def turned_photo(file: Path) -> Photo:
    return Photo(0, file, "", "turned")


def gathered(seen: list[Seen], pack: Pack) -> Gallery:
    faces = [(one, nth) for one in seen for nth in range(len(one.rows))]
    mirrored = [one.mirrored for one in seen if len(one.mirrored)]
    return Gallery(
        {name: without(name, seen, pack) for name in sorted(enough_photos(seen))},
        rows=np.concatenate([one.rows for one in seen]),
        mirrored=np.concatenate(mirrored) if mirrored else np.zeros((0, 0), np.float32),
        person=np.array([one.photo.identity if nth == 0 else "" for one, nth in faces]),
        photo=np.array([one.photo.line for one, _nth in faces], np.intp),
        group=np.array([one.photo.group for one, _nth in faces]),
    )


def enough_photos(seen: list[Seen]) -> set[str]:
    counts = Counter(one.photo.identity for one in seen if len(one.rows) and one.photo.identity)
    return {name for name, photos in counts.items() if photos > SELFIES}


def without(name: str, seen: list[Seen], pack: Pack) -> Calibration:
    """As the shipped one is made, from the photos of everybody else."""
    others = [(one.photo, one.rows) for one in seen if one.photo.identity != name]
    source = Measurement(pack.info.name, pack.recogniser_sha256, "", date.min, len(others))
    return files.calibration_from(source, pair_scores.score_pairs(pair_scores.labelled_faces(others)))


# --- playing cases ---


@dataclass(frozen=True)
class Played:
    calibration: Calibration
    selfies: NDArray[np.intp]  # the first of which is used alone too
    wanted: Mask  # the faces to be found with any of them


def cases(gallery: Gallery) -> Iterator[Played]:
    for name, calibration in gallery.calibrations.items():
        own = np.flatnonzero(gallery.person == name)
        for first in range(len(own)):
            selfies = np.roll(own, -first)[:SELFIES]
            wanted = gallery.person == name
            wanted[selfies] = False
            yield Played(calibration, selfies, wanted)


def other_people(gallery: Gallery, selfie: int) -> Mask:
    """Everybody who is not this person for sure, as `matching.calibration.labels` says."""
    mine = gallery.person == gallery.person[selfie]
    labelled = (gallery.person != "") & ~mine
    beside = np.isin(gallery.photo, gallery.photo[mine]) & ~mine & (gallery.group != COLLAGE)
    apart: Mask = labelled | beside | ~np.isin(gallery.group, gallery.group[mine])
    return apart


def played(gallery: Gallery, way: Ways, size: int) -> Score:
    found = surely = wanted = wrong = wrongly_certain = 0
    apart_of = [(case, other_people(gallery, int(case.selfies[0]))) for case in cases(gallery)]
    for case, apart in apart_of:
        limit = partial(limits, case.calibration, size)
        hits, sure = search(gallery, case, way, limit)
        found, surely = found + int((hits & case.wanted).sum()), surely + int((sure & case.wanted).sum())
        wrong, wrongly_certain = wrong + int((hits & apart).sum()), wrongly_certain + int((sure & apart).sum())
        wanted += int(case.wanted.sum())
    looked_at = sum(int(apart.sum()) for _case, apart in apart_of)
    scale = size / looked_at
    return Score(
        recall=found / wanted,
        certain=surely / wanted,
        false_positives=wrong * scale,
        certain_false_positives=wrongly_certain * scale,
        impostors=looked_at,
        wanted=wanted,
        cases=len(apart_of),
        people=len(gallery.calibrations),
    )


Limits = Callable[[int], tuple[float, float]]  # of so many probes: from where faces are probable, and certain


def limits(calibration: Calibration, size: int, probes: int) -> tuple[float, float]:
    limits = bands.thresholds(calibration, pack=calibration.pack, index_size=size, probes=probes)
    return limits.probable, 2.0 if limits.certain is None else limits.certain


def search(gallery: Gallery, case: Played, way: Ways, limit: Limits) -> tuple[Mask, Mask]:
    """Which faces are found at all, and which for certain: `matching.service.search` on arrays."""
    selfies = case.selfies[: way.selfies]
    own = gallery.rows[selfies]
    probable, certain = limit(len(own))
    near_own = expansion.best_similarity(gallery.rows, own)
    found, sure = near_own >= probable, near_own >= certain
    mirrored = gallery.mirrored[selfies] if way.mirrored and len(gallery.mirrored) else gallery.rows[:0]
    for _round in range(ROUNDS if way.expanded or len(mirrored) else 0):
        confirmed = confirmed_faces(gallery, selfies, found, way)
        further = expansion.most_different(gallery.rows[confirmed], beside=own)
        more = np.concatenate([mirrored, further])
        if not len(more):
            break
        wide, _certain = limit(len(own) + len(more))
        may_be = accepted(gallery, case.calibration, own, mirrored, more, confirmed, way, wide)
        new = (expansion.best_similarity(gallery.rows, more) >= wide) & may_be
        if not (new & ~found).any():
            break
        found = found | new
    return found, sure


def confirmed_faces(gallery: Gallery, selfies: NDArray[np.intp], found: Mask, way: Ways) -> Mask:
    if not way.expanded:
        return np.zeros(len(gallery), bool)
    theirs: Mask = gallery.person == gallery.person[selfies[0]]
    return found if way.unseen else found & theirs


def accepted(
    gallery: Gallery,
    calibration: Calibration,
    own: Embeddings,
    mirrored: Embeddings,
    more: Embeddings,
    confirmed: Mask,
    way: Ways,
    wide: float,
) -> Mask:
    if not way.ruled:
        return np.ones(len(gallery), bool)
    genuine = min(bands.threshold_at_target_fnmr(calibration), wide)
    if way.unseen:  # the stressed threshold lies below the one at the target FNMR, which keeps its distance to it
        genuine = wide - distance(calibration)
    to_own = expansion.best_similarity(gallery.rows, np.concatenate([own, mirrored]))
    to_subject = np.maximum(to_own, expansion.best_similarity(gallery.rows, more))
    together = np.isin(gallery.photo, gallery.photo[confirmed]) & ~confirmed
    others = expansion.without_subject(gallery.rows[together], own, genuine=genuine)
    to_others = expansion.best_similarity(gallery.rows, others)
    return expansion.may_be_subject(to_own, to_subject, to_others, genuine=genuine) & ~together


def distance(calibration: Calibration) -> float:
    """From where a large index cuts the probable band off down to the threshold at the target FNMR."""
    probable, _certain = limits(calibration, LARGE, 1)
    return probable - bands.threshold_at_target_fnmr(calibration)


def stressed(gallery: Gallery) -> float:
    """The highest threshold at which own probes alone bring half a false positive a case."""
    for threshold in np.arange(0.99, 0, -0.005):
        if drifted(gallery, float(threshold), Ways()) >= 0.5:
            return float(threshold)
    raise ValueError("nobody resembles anybody")


def drifted(gallery: Gallery, threshold: float, way: Ways) -> float:
    """False positives a case at this threshold, with everything found confirmed unseen."""
    wrong = [
        int((search(gallery, case, replace(way, unseen=True), lambda probes: (threshold, 2.0))[0] & apart).sum())
        for case in cases(gallery)
        for apart in [other_people(gallery, int(case.selfies[0]))]
    ]
    return float(np.mean(wrong))


def main() -> None:
    configure()
    measured = rows(Path(sys.argv[1]))
    if "--json" in sys.argv:
        print(json.dumps([asdict(row) for row in measured]))  # noqa: T201  (its only output)
        return
    for row in measured:
        beside = "" if row.peer_value is None else f"   {row.peer}: {row.peer_value:.4f}"
        print(f"{row.name:70} {row.value:9.4f} {row.unit}{beside}   {row.note}")  # noqa: T201  (its only output)


if __name__ == "__main__":
    main()
