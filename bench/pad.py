"""How often presentation attack detection errs, in the terms of ISO/IEC 30107-3. `python -m bench.pad ../shared`

The attacks are the three that lie beside the project; the bona fide photos are portraits from test sets, none taken by
a resident before a camera. That is far too little to promise anything by, and each row says so.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from scipy.special import betaincinv

from bench.rows import Row, alone
from bench.shared_photos import photos
from matching.decoding.limits import HARVEST
from matching.errors import PhotoRejected
from matching.faces import find_faces, packs
from matching.faces.packs import Pack
from matching.photos import images

ATTACKS = ("antispoof/image_F1.jpg", "antispoof/image_F2.jpg", "insightface/bulk__rgb_fake.jpg")
CLASSIFIED_LIVE_FROM = 0.5
CONFIDENCE = 0.95
PROJECT = Path(__file__).resolve().parent.parent
SMALL = "the sample is far too small to promise anything by"


@dataclass(frozen=True)
class Scores:
    found: list[float]
    without_face: int  # photos in which not exactly one face stood out: no response


def measure(shared: Path) -> list[Row]:
    if not settings.configured:
        settings.configure(MATCHING={"CALIBRATIONS": ""})
    return [row for name in ("dlib", "buffalo_sc") for row in rows(pack(name, shared), shared / "faces")]


def pack(name: str, shared: Path) -> Pack:
    """Its detector says where the face is, and so what the networks see."""
    place = name if name == "dlib" else str(shared / "models" / name)
    return packs.named(place, PROJECT / "var" / "packs", pad=str(shared / "models" / "antispoof"))


def rows(pack: Pack, faces: Path) -> list[Row]:
    attacks = scores(pack, [faces / name for name in ATTACKS])
    bona_fide = scores(pack, [photo.file for photo in photos(faces)])
    passed = sum(score >= CLASSIFIED_LIVE_FROM for score in attacks.found)
    stopped = sum(score < CLASSIFIED_LIVE_FROM for score in bona_fide.found)
    return [
        rate(f"APCER, faces found by {pack.info.name}", passed, attacks, "prints and screens, one species"),
        rate(f"BPCER, faces found by {pack.info.name}", stopped, bona_fide, "portraits of test sets, not captures"),
    ]


def rate(name: str, wrong: int, scores: Scores, what: str) -> Row:
    total = len(scores.found)
    low, high = (100 * bound for bound in clopper_pearson(wrong, total))
    note = (
        f"{wrong} of {total} {what}, {scores.without_face} more without one clear face;"
        f" live from a score of {CLASSIFIED_LIVE_FROM}; 95 % between {low:.1f} and {high:.1f} %; {SMALL}"
    )
    return alone(name, 100 * wrong / max(1, total), "%", note=note)


def scores(pack: Pack, files: list[Path]) -> Scores:
    engine = packs.engine(pack)
    assert engine.liveness is not None
    found, without_face = [], 0
    for file in files:
        try:
            pixels = images.decode(file.read_bytes(), HARVEST, side=find_faces.SELFIE_SIDE)
            face = find_faces.only_face(engine.detect(pixels))
        except PhotoRejected:
            without_face += 1
        else:
            found.append(engine.liveness.score(pixels, face.box))
    return Scores(found, without_face)


def clopper_pearson(seen: int, total: int) -> tuple[float, float]:
    """The exact interval of a rate (Clopper and Pearson 1934)."""
    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if seen == 0 else float(betaincinv(seen, total - seen + 1, tail))
    high = 1.0 if seen == total else float(betaincinv(seen + 1, total - seen, 1 - tail))
    return low, high


def main() -> None:
    for row in measure(Path(sys.argv[1])):
        sys.stdout.write(f"{row.name}: {row.value:.1f} {row.unit} ({row.note})\n")


if __name__ == "__main__":
    main()
