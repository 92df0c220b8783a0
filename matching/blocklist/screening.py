"""Newly harvested faces against the block list. It answers inside a harvest alone, and every answer is counted.

The caller learns which of its images may not enter: never because of which block, nor how alike.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID, uuid4

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from numpy.typing import NDArray

from matching.blocklist import blocks
from matching.calibration import (
    UNCALIBRATED_PROBABLE,
    Calibration,
    calibration_for,
    threshold_at_target_fnmr,
    threshold_for,
    threshold_without_false_matches,
)
from matching.errors import HarvestRefused, OutsideHarvest
from matching.faces import chosen_pack
from matching.index import Int8Probes
from matching.models import Block, BlockList, Screening
from matching.types import Embeddings, Spelling

FACES_AT_ONCE = 1024  # their products with a tile of templates stay in a core's own cache
# Expected false positives of one face that is on no block, compared with the whole list, at 95 % confidence.
EXPECTED_FALSE_POSITIVES = 0.01


class Asking(Protocol):
    """An image at the door."""

    @property
    def image_id(self) -> UUID: ...
    @property
    def file_digest(self) -> bytes: ...
    @property
    def spellings(self) -> frozenset[Spelling]: ...


class ListChanged(Exception):
    """A block was made or revoked since the answer was given: ask again."""


@dataclass(frozen=True)
class Answer:
    """What is counted of one answer once it is carried out."""

    images: int
    faces: int
    refused: int
    hits: Counter[UUID]  # photos refused because of each block


class Screen:
    """The block list as one harvest sees it. Nothing is opened before the first face arrives."""

    def __init__(self) -> None:
        self._table = Table()
        self._generation = -1
        self._log: Screening | None = None
        self._answer = Answer(0, 0, 0, Counter())

    def refused(self, images: Sequence[Asking], image_ids: Sequence[UUID], rows: Embeddings) -> frozenset[UUID]:
        """Images that may not enter; `image_ids` names the image of each row.

        One blocked face keeps out the whole photo, and so does a file that was deleted before.
        """
        self._refresh()
        copies = {image.image_id: self._table.owners_of_file(image.file_digest) for image in images}
        alike = self._table.owners_of_faces(image_ids, rows)
        may_enter = let_in(images, alike)
        owners = {
            image.image_id: copies[image.image_id] | alike.get(image.image_id, set())
            for image in images
            if copies[image.image_id] or (image.image_id in alike and image.image_id not in may_enter)
        }
        hits = Counter(owner for found in owners.values() for owner in found)
        self._answer = Answer(len(images), len(rows), len(owners), hits)
        return frozenset(owners)

    def record(self) -> None:
        """Inside the transaction that admits the rest. Errors: ListChanged; then nothing of it may stand.

        The list cannot change until that transaction ends, so a block that was made before it holds in it.
        """
        if locked_generation() != self._generation:
            raise ListChanged
        if self._log is None:
            return
        asked = self._answer
        Screening.objects.filter(pk=self._log.pk).update(
            images=F("images") + asked.images, faces=F("faces") + asked.faces, refused=F("refused") + asked.refused
        )
        for owner, times in asked.hits.items():
            Block.objects.filter(id=owner).update(refused=F("refused") + times)

    def close(self) -> None:
        self._table.forget()

    def _refresh(self) -> None:
        generation = BlockList.objects.get_or_create(id=1)[0].generation
        if generation == self._generation:
            return
        chosen = chosen_pack()
        require_awake(chosen.recogniser_sha256)
        if self._log is None and blocks.in_force().exists():
            self._log = spend_one()
        self._table.follow(chosen.recogniser_sha256)
        self._table.at_least = refused_from(calibration_for(chosen.recogniser_sha256), templates=len(self._table))
        self._generation = generation


class Table:
    """The opened templates, one row each, and the digests of deleted files."""

    def __init__(self) -> None:
        self.at_least = 1.0
        self._rows: Embeddings = np.zeros((0, 0), np.float32)
        self._owners: list[UUID] = []  # of each row
        self._files: dict[bytes, set[UUID]] = {}
        self._held: dict[UUID, int] = {}  # blocks, and in which generation they were sealed

    def __len__(self) -> int:
        return len(self._owners)

    def follow(self, recogniser: str) -> None:
        """Drop what left the list and open what is new. Errors: HarvestRefused where one cannot be opened."""
        wanted = dict(blocks.in_force().values_list("id", "changed_in"))
        self._drop({held for held, sealed_in in self._held.items() if wanted.get(held) != sealed_in})
        fresh = sorted(wanted.keys() - self._held.keys())
        readable = list(blocks.opened(fresh))
        if lost := len(fresh) - len(readable):
            raise HarvestRefused(
                f"{lost} blocks cannot be opened. Bring the key store back; blocks whose keys are lost for good are"
                " given up with manage.py blocks --give-up-unreadable."
            )
        self._add(readable, recogniser)

    def owners_of_file(self, digest: bytes) -> set[UUID]:
        return self._files.get(digest, set())

    def owners_of_faces(self, image_ids: Sequence[UUID], rows: Embeddings) -> dict[UUID, set[UUID]]:
        """The images with a face that resembles a block, and whose."""
        found: dict[UUID, set[UUID]] = {}
        for face, template in resembling(rows, self._rows, self.at_least):
            found.setdefault(image_ids[face], set()).add(self._owners[template])
        return found

    def forget(self) -> None:
        self._drop(set(self._held))

    def _add(self, readable: Sequence[blocks.Opened], recogniser: str) -> None:
        # A template of another pack says nothing here; a file is the same whatever the pack.
        awake = [(block.id, content.templates) for block, content in readable if block.recogniser == recogniser]
        if awake:
            before = [self._rows] if len(self._rows) else []
            self._rows = np.concatenate([*before, *(templates for _, templates in awake)])
        self._owners += [owner for owner, templates in awake for _ in templates]
        for block, content in readable:
            self._held[block.id] = block.changed_in
            for digest in content.files:
                self._files.setdefault(digest, set()).add(block.id)

    def _drop(self, gone: set[UUID]) -> None:
        if not gone:
            return
        stays = [n for n, owner in enumerate(self._owners) if owner not in gone]
        dropped, self._rows = self._rows, self._rows[stays]
        dropped.fill(0)
        self._owners = [self._owners[n] for n in stays]
        self._held = {held: sealed_in for held, sealed_in in self._held.items() if held not in gone}
        self._files = {digest: left for digest, owners in self._files.items() if (left := owners - gone)}


@dataclass(frozen=True)
class Stranger:
    """A face that comes without an image, from an engine that keeps its own."""

    image_id: UUID
    file_digest: bytes = b""
    spellings: frozenset[Spelling] = frozenset()


def screen(faces: Embeddings) -> NDArray[np.bool_]:
    """(n,) Which faces may not enter; counted as one image each. Errors: OutsideHarvest, HarvestRefused."""
    asking = [Stranger(uuid4()) for _ in faces]
    ids = [one.image_id for one in asking]
    while True:
        refused = current().refused(asking, ids, faces)
        with suppress(ListChanged), transaction.atomic():
            current().record()
            return np.array([image_id in refused for image_id in ids], bool)


def resembling(faces: Embeddings, templates: Embeddings, at_least: float) -> Iterator[tuple[int, int]]:
    """Every face and template that are at or above the similarity, by their rows; what is no number resembles none."""
    for top in range(0, len(faces) if len(templates) else 0, FACES_AT_ONCE):
        some = faces[top : top + FACES_AT_ONCE]
        for pairs in Int8Probes(some, np.full(len(some), at_least)).pairs(templates):
            yield from zip((top + pairs.probes).tolist(), pairs.rows.tolist(), strict=True)


def refused_from(calibration: Calibration | None, *, templates: int) -> float:
    """The similarity from which a face is kept out.

    It is the lowest at which the expected false positives are few enough, but no lower than the one at the target FNMR.
    If the calibration cannot support that for so long a list, it is the first similarity without a false match.
    """
    if calibration is None:
        return UNCALIBRATED_PROBABLE
    allowed = threshold_for(
        calibration, comparisons=max(1, templates), expected_false_positives=EXPECTED_FALSE_POSITIVES
    )
    if allowed is None:
        allowed = threshold_without_false_matches(calibration)
    return max(allowed, threshold_at_target_fnmr(calibration))


def let_in(images: Sequence[Asking], alike: Collection[UUID]) -> frozenset[UUID]:
    """Those of the images whose page or address two people exempted."""
    asked = {image.image_id: image.spellings for image in images if image.image_id in alike}
    exempted = blocks.exempted({spelling for spellings in asked.values() for spelling in spellings})
    return frozenset(image_id for image_id, spellings in asked.items() if exempted.intersection(spellings))


def locked_generation() -> int:
    """Until the transaction ends, the list does not change."""
    held = BlockList.objects.select_for_update(no_key=True).filter(id=1).values_list("generation", flat=True)
    return held.first() or 0


def require_awake(recogniser: str) -> None:
    asleep = blocks.counts(recogniser).dormant
    if asleep and not BlockList.objects.filter(id=1, sleep_accepted_for=recogniser).exists():
        raise HarvestRefused(
            f"{asleep} blocks were made with another face pack and would not hold under this one. Set PACK back,"
            " or accept that they sleep until their holders send a new photo: manage.py blocks --let-sleep."
        )


def spend_one() -> Screening:
    """One harvest of the day's budget. Errors: HarvestRefused."""
    most = int(str(settings.MATCHING["HARVESTS_A_DAY"]))
    if Screening.objects.filter(started_at__gt=Now() - timedelta(days=1)).count() >= most:
        raise HarvestRefused(
            f"The block list was asked by {most} harvests within a day, which is all it answers. Try again later,"
            " with more photos in one harvest."
        )
    return Screening.objects.create(started_at=Now(), blocks=blocks.in_force().count())


_current: Screen | None = None


@contextmanager
def opened() -> Iterator[None]:
    """For the length of one harvest; what was opened is wiped from memory at its end."""
    global _current
    before, _current = _current, (screen := Screen())
    try:
        yield
    finally:
        _current = before
        screen.close()


def current() -> Screen:
    """Errors: OutsideHarvest."""
    if _current is None:
        raise OutsideHarvest("The block list answers inside a harvest alone.")
    return _current
