"""The values that cross the border between `matching` and whoever uses it."""

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
    expanded: bool = False  # found by expansion alone: the own probes are below the threshold


@dataclass(frozen=True)
class Thresholds:
    """The lowest similarity of each band; `certain` is None where calibration cannot support the claim."""

    certain: float | None
    probable: float
    pack: str
    index_size: int
    basis: str  # one sentence: how these were obtained


NO_EMBEDDINGS: Embeddings = np.zeros((0, 0), np.float32)


@dataclass(frozen=True)
class ExpansionBasis:
    """What a search may go on from besides the subject's own probes. What only these find is never certain."""

    mirrored: Embeddings = field(default_factory=lambda: NO_EMBEDDINGS)  # the subject's own photos, mirrored
    confirmed: Embeddings = field(default_factory=lambda: NO_EMBEDDINGS)  # faces that staff confirmed as the subject's
    confirmed_faces: tuple[int, ...] = ()  # their ids, as far as they may still be in the index
    confirmed_images: tuple[UUID, ...] = ()  # the images of these faces; every other face there is somebody else
    rejected_faces: tuple[int, ...] = ()  # ids of faces that staff decided are not the subject's


@dataclass(frozen=True)
class CaseProbes:
    """What one case is searched with."""

    probes: Embeddings  # all of the subject's own
    expand_from: ExpansionBasis | None = None  # None: the search is not expanded


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
    """Why a better photo would find more matches; this photo can be used all the same."""

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
    pack: str  # the name of the pack that made the probes
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
    """Which images an order is about; a field that is empty or None does not narrow it."""

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
    """Seals what a block holds under a key of its own, which is kept where no backup of the database reaches."""

    def seal(self, block_id: UUID, plain: bytes) -> bytes:
        """The sealed bytes; makes the key of the block if there is none."""

    def unseal(self, block_id: UUID, content: bytes) -> bytes:
        """The plain bytes. Errors: LookupError, if the key is gone; ValueError, if these are not the sealed bytes."""


@dataclass(frozen=True)
class BlockCounts:
    active: int
    dormant: int  # of these: made with another pack, so that they keep out copies of deleted files alone
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
    already: int  # in the index before, or kept out because of a block: the two are not told apart
    skipped: int
    not_photos: int = 0  # of the skipped: files whose content is no photo, or none of a format that is read
    without_face: int = 0  # of the images: those in which no face was found
    kept_out: int = 0  # because of a block, rounded down to tens; included in `already`
    faces_passed_over: int = 0  # ready embeddings: those of the images that were here or kept out


@dataclass(frozen=True)
class PurgeReport:
    """`rewritten` names the tables that were written anew, `unfinished` those that still hold deleted rows on disk.

    A table may be in both: it was rewritten, but some snapshot could still see its latest deletions.
    """

    rewritten: tuple[str, ...]
    unfinished: tuple[str, ...]
    log_recycled: bool  # False: this role may not recycle the write-ahead log; the server does it in its own time
    # Files that may still hold deleted rows: of the log, and of no table. None: the server does not let us look.
    log_files: tuple[str, ...] | None = None
    stray_files: tuple[str, ...] | None = None

    @property
    def complete(self) -> bool:
        return not self.unfinished

    @property
    def left_behind(self) -> bool:
        """Some file that was looked at may still hold deleted rows."""
        return bool(self.log_files or self.stray_files)

    @property
    def log_checked(self) -> bool:
        """The log and the folder of the database were looked at and hold no deleted rows."""
        return self.log_recycled and self.log_files == () and self.stray_files == ()


@dataclass(frozen=True)
class ImageDisclosure:
    """A line of the register of disclosures: a client of the operator was shown an image."""

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
class ImageIdentifiers:
    """By what others can identify a harvested image; digests are SHA-256, of the file and of normalised addresses."""

    image_id: UUID
    page: str
    file_digest: bytes
    page_digest: bytes
    address_digest: bytes


class ReplayOutcome(StrEnum):
    """What came of doing again what a note says, in a restored database that did not know of it."""

    DONE = "done"
    ALREADY_DONE = "already_done"  # the database knew of it
    IMPOSSIBLE = "impossible"  # for example because a key is gone


class ReplayHooks(Protocol):
    """What replaying asks of the portal before it erases an image again."""

    def held(self, image_ids: Sequence[UUID]) -> frozenset[UUID]:
        """Those of the images that must be kept because of a legal hold."""

    def record_recipients(self, image_ids: Sequence[UUID]) -> None:
        """Record who must be notified that these are erased, as long as the index can say it. Idempotent."""


@dataclass(frozen=True)
class ReplayReport:
    """What was done again because a restored index did not know of it."""

    erased: int  # images that the file says were erased
    came_back: tuple[UUID, ...]  # those of them that some store held again; they are erased from it now
    hidden: int
    unhidden: int
    held: int  # of the erased ones: not erased again, because of a legal hold
    notes_replayed: Mapping[str, int]  # by kind of note
    notes_lost: Mapping[str, int]  # by kind of note: those whose replay was impossible
