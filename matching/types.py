"""What crosses the border between `matching` and whoever uses it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

# By which rules the digest of an address was made (matching.provenance): those of before RFC 3986, or of today.
EARLIER, TODAY = 1, 2
Spelling = tuple[int, bytes]  # those rules, and the SHA-256 of what they make of an address

Embeddings = NDArray[np.float32]  # (n, pack.dim), rows of unit length
Pixels = NDArray[np.uint8]  # (height, width, 3), RGB, upright


class Band(StrEnum):
    CERTAIN = "certain"
    PROBABLE = "probable"


class Store(StrEnum):
    """The three places of this installation where a harvested image leaves something."""

    INDEX = "index"  # the row of the image and the rows of its faces
    IMAGES = "images"  # the photo as harvested
    DERIVED = "derived"  # everything computed from the photo and kept


@dataclass(frozen=True)
class Box:
    """Pixels of the upright image; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def area(self) -> int:
        return max(0, self.width) * max(0, self.height)


@dataclass(frozen=True)
class Match:
    face_id: int
    image_id: UUID
    similarity: float  # cosine, the best over all probes
    band: Band
    expanded: bool = False  # not near enough to the subject's own probes; found by a confirmed face


@dataclass(frozen=True)
class Thresholds:
    """The lowest similarity of each band; `certain` is None where calibration cannot support the claim."""

    certain: float | None
    probable: float
    pack: str
    index_size: int
    basis: str  # one sentence: how these were obtained


NOTHING: Embeddings = np.zeros((0, 0), np.float32)


@dataclass(frozen=True)
class Known:
    """What a search may go on from beside the subject's own probes; what only these find is never certain."""

    mirrored: Embeddings = field(default_factory=lambda: NOTHING)  # the subject's own photos, mirrored
    confirmed: Embeddings = field(default_factory=lambda: NOTHING)  # faces that people decided are the subject's
    faces: tuple[int, ...] = ()  # the ids of those that may still be in the index
    images: tuple[UUID, ...] = ()  # where they are: whoever else is there is somebody else
    others: tuple[int, ...] = ()  # faces that people decided are not the subject's


@dataclass(frozen=True)
class Sought:
    """Whom one case looks for."""

    probes: Embeddings  # the subject's own, all of them
    known: Known | None = None


@dataclass(frozen=True)
class SearchResult:
    matches: tuple[Match, ...]  # most similar first
    thresholds: Thresholds


class PhotoFault(StrEnum):
    NOT_AN_IMAGE = "not_an_image"
    UNSUPPORTED = "unsupported"  # an image, of a format not taken
    ANIMATED = "animated"
    TRUNCATED = "truncated"  # the end of the file is missing
    DAMAGED = "damaged"  # whole, and yet its parser cannot read it
    TRANSPARENT = "transparent"  # wholly or for a good part, and no face is in the rest
    TOO_SMALL = "too_small"
    TOO_BIG = "too_big"  # bytes
    TOO_MANY_PIXELS = "too_many_pixels"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    PERHAPS_SEVERAL = "perhaps_several"  # a second one may be a face, and we cannot tell
    ANOTHER_FACE = "another_face"  # than in the photos given before
    TOO_MUCH_WORK = "too_much_work"  # time or memory ran out, or its reader died: another time it may succeed
    UNEXAMINED = "unexamined"  # the models could make nothing of it


class Flaw(StrEnum):
    """Why a better photo of the face would find more; the photo is usable all the same."""

    SMALL = "small"
    DARK = "dark"
    BRIGHT = "bright"
    BLURRED = "blurred"
    NEGATIVE = "negative"  # dark and bright are exchanged
    NOISY = "noisy"
    STRIPED = "striped"
    POSTERISED = "posterised"  # few shades are left
    TURNED = "turned"


@dataclass(frozen=True)
class Selfie:
    jpeg: bytes  # upright, encoded anew, no metadata, at most 1600 pixels on the long side
    probes: Embeddings
    mirrored: Embeddings  # the same face seen in a mirror; empty where the pack's embeddings hold that already
    flaw: Flaw | None  # why a better photo would find more
    live: float | None = None  # 0 to 1, how live the face looks; None where the pack cannot tell


@dataclass(frozen=True)
class Provenance:
    image_id: UUID
    page: str
    site: str
    harvested_on: date
    country: str  # ISO 3166-1 alpha-2, empty where unknown


@dataclass(frozen=True)
class Scope:
    """Which images an order names; what is left empty does not narrow it."""

    site: str = ""
    country: str = ""  # ISO 3166-1 alpha-2
    harvested_from: date | None = None
    harvested_until: date | None = None  # that day included


@dataclass(frozen=True)
class Breakdown:
    """How images spread; each part the largest first, cut off where it grows long."""

    images: int
    sites: tuple[tuple[str, int], ...]
    countries: tuple[tuple[str, int], ...]  # an empty name where unknown
    years: tuple[tuple[str, int], ...]  # of the harvest


@dataclass(frozen=True)
class PackInfo:
    name: str
    engine: str
    dim: int
    licence: str
    commercial: bool
    limits: str
    calibration: str  # empty where nobody measured this pack: then nothing is certain


@dataclass(frozen=True)
class Harvestable:
    """One file to import; it is read once and never changed. Whether it is a photo is seen by its content."""

    file: Path
    page: str  # the address it was found at
    site: str
    harvested_on: date
    country: str = ""
    address: str = ""  # the address of the image itself, where it differs from the page
    fault: str = ""  # why it cannot be taken, where that was found before it is opened


class BlockSealer(Protocol):
    """Seals what a block holds under a key of that block alone, kept where no backup of the database reaches."""

    def seal(self, block_id: UUID, plain: bytes) -> bytes:
        """Makes the key where there is none."""

    def unseal(self, block_id: UUID, content: bytes) -> bytes:
        """Errors: LookupError where the key is gone, ValueError where these are not the bytes that were sealed."""


@dataclass(frozen=True)
class BlockCounts:
    active: int
    dormant: int  # of these: made with another pack, holding nothing back under this one but copies of deleted files
    exemptions: int


@dataclass(frozen=True)
class Fault:
    """Why an entry of what was handed in was not taken. The reason quotes nothing: it may name a person's page."""

    place: str  # line 3, row 7, or the name of a file
    reason: str

    def __str__(self) -> str:
        return f"skipped {self.place}: {self.reason}"


@dataclass(frozen=True)
class HarvestReport:
    images: int
    faces: int
    already: int  # or kept out because of a block: the two are not told apart
    skipped: int
    not_photos: int = 0  # of the skipped: files whose content is no photo, or none of a format that is read
    without_face: int = 0  # of the images: those in which no face was found
    kept_out: int = 0  # at least so many of them because of a block, rounded down to tens
    faces_passed_over: int = 0  # ready embeddings: those of the images that were here or kept out


@dataclass(frozen=True)
class PurgeReport:
    """Tables whose rows deleted before the purge began are gone from disk, and those that still hold some.

    A table may be in both: it was rewritten, and a snapshot somewhere could still see its latest deletions.
    """

    rewritten: tuple[str, ...]
    kept: tuple[str, ...]
    log_turned: bool  # False: this role may not turn the write-ahead log over; the server does so in its own time
    # Files in which deleted rows may still lie: of the log, and of no table. None: the server does not let us look.
    log_files: tuple[str, ...] | None = None
    stray_files: tuple[str, ...] | None = None

    @property
    def complete(self) -> bool:
        return not self.kept

    @property
    def left_behind(self) -> bool:
        """Something that was looked at is known not to be clean."""
        return bool(self.log_files or self.stray_files)

    @property
    def log_checked(self) -> bool:
        """The log and the folder of the database were looked at, and are clean."""
        return self.log_turned and self.log_files == () and self.stray_files == ()


@dataclass(frozen=True)
class Shown:
    """A client of the operator was shown an image, as the register of disclosures says."""

    image_id: UUID
    client: str
    agency: str
    shown_at: datetime


@dataclass(frozen=True)
class RegisterLine:
    """One line of the register; the image by its id or by an address, which is kept as a digest only."""

    client: str
    agency: str
    shown_at: datetime
    image_id: UUID | None = None
    address: str = ""


@dataclass(frozen=True)
class Marks:
    """By what others know a harvested image: digests are SHA-256, of the file and of normalised addresses."""

    image_id: UUID
    page: str
    file_digest: bytes
    page_digest: bytes
    address_digest: bytes


class BroughtBack(StrEnum):
    """What became of something that a restored database had forgotten."""

    NOW = "now"
    BEFORE = "before"  # it was there
    LOST = "lost"


class ImageKeeper(Protocol):
    """Asked before anything is erased again from a restored index."""

    def held(self, image_ids: Sequence[UUID]) -> frozenset[UUID]:
        """Those of the images that a legal hold keeps."""

    def tell(self, image_ids: Sequence[UUID]) -> None:
        """Write down who must be told that these go; afterwards the index cannot say it. Idempotent."""


@dataclass(frozen=True)
class Replayed:
    """What a restored index had forgotten, done again."""

    gone: int  # images known to be erased
    came_back: tuple[UUID, ...]  # those of them that some store held again, and no longer does
    hidden: int
    shown: int
    held: int  # of those known to be erased: kept, because a hold says so
    returned: Mapping[str, int]  # what notes told and was brought back, by their kind
    lost: Mapping[str, int]  # and what could not be
