"""Compares newly harvested faces with the block list. It answers only inside a harvest, and every answer is counted.

The caller learns which of its images are kept out, but never because of which block, nor how similar they are.
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


class Candidate(Protocol):
    """An image that a harvest wants to admit."""

    @property
    def image_id(self) -> UUID: ...
    @property
    def file_digest(self) -> bytes: ...
    @property
    def spellings(self) -> frozenset[Spelling]: ...


class ListChanged(Exception):
    """A block was made or revoked since the answer was given; the caller asks again."""


@dataclass(frozen=True)
class ScreeningCounts:
    """What one answer adds to the counts, once the batch is admitted."""

    images: int
    faces: int
    kept_out: int
    hits: Counter[UUID]  # photos kept out because of each block


class Screen:
    """The block list as one harvest sees it. Blocks are opened when the first face arrives."""

    def __init__(self) -> None:
        self._table = OpenedList()
        self._generation = -1
        self._log: Screening | None = None
        self._counts = ScreeningCounts(0, 0, 0, Counter())

    def kept_out(self, images: Sequence[Candidate], image_ids: Sequence[UUID], rows: Embeddings) -> frozenset[UUID]:
        """Images that are kept out; `rows` are (n, dim), and `image_ids` (n) names the image of each row.

        One matched face keeps out the whole photo, and so does an exact copy of a deleted file. Errors: HarvestRefused.
        """
        self._refresh()
        copies = {image.image_id: self._table.owners_of_file(image.file_digest) for image in images}
        matched = self._table.owners_of_faces(image_ids, rows)
        may_enter = exempted_images(images, matched)
        owners = {
            image.image_id: copies[image.image_id] | matched.get(image.image_id, set())
            for image in images
            if copies[image.image_id] or (image.image_id in matched and image.image_id not in may_enter)
        }
        hits = Counter(owner for found in owners.values() for owner in found)
        self._counts = ScreeningCounts(len(images), len(rows), len(owners), hits)
        return frozenset(owners)

    def record(self) -> None:
        """Count the last answer, in the transaction that admits the other images.

        The list cannot change until that transaction ends, so every block made before it holds for it. Errors:
        ListChanged; the caller then rolls the transaction back.
        """
        if locked_generation() != self._generation:
            raise ListChanged
        if self._log is None:
            return
        counts = self._counts
        Screening.objects.filter(pk=self._log.pk).update(
            images=F("images") + counts.images, faces=F("faces") + counts.faces, refused=F("refused") + counts.kept_out
        )
        for owner, times in counts.hits.items():
            Block.objects.filter(id=owner).update(refused=F("refused") + times)

    def close(self) -> None:
        self._table.forget()

    def _refresh(self) -> None:
        generation = BlockList.objects.get_or_create(id=1)[0].generation
        if generation == self._generation:
            return
        chosen = chosen_pack()
        require_no_dormant_blocks(chosen.recogniser_sha256)
        if self._log is None and blocks.active_blocks().exists():
            self._log = count_harvest()
        self._table.follow(chosen.recogniser_sha256)
        self._table.at_least = block_threshold(calibration_for(chosen.recogniser_sha256), templates=len(self._table))
        self._generation = generation


class OpenedList:
    """The opened blocks: their templates, one row each, and the digests of deleted files."""

    def __init__(self) -> None:
        self.at_least = 1.0
        self._rows: Embeddings = np.zeros((0, 0), np.float32)
        self._owners: list[UUID] = []  # of each row
        self._files: dict[bytes, set[UUID]] = {}
        self._generations: dict[UUID, int] = {}  # of the opened blocks: in which generation each was sealed

    def __len__(self) -> int:
        return len(self._owners)

    def follow(self, recogniser: str) -> None:
        """Forget blocks that left the list and open new ones. Errors: HarvestRefused, if one cannot be opened."""
        wanted = dict(blocks.active_blocks().values_list("id", "changed_in"))
        self._drop({held for held, sealed_in in self._generations.items() if wanted.get(held) != sealed_in})
        fresh = sorted(wanted.keys() - self._generations.keys())
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
        """The images with a face that matches a template, and the blocks these templates belong to."""
        found: dict[UUID, set[UUID]] = {}
        for face, template in matching_pairs(rows, self._rows, self.at_least):
            found.setdefault(image_ids[face], set()).add(self._owners[template])
        return found

    def forget(self) -> None:
        self._drop(set(self._generations))

    def _add(self, readable: Sequence[blocks.OpenedBlock], recogniser: str) -> None:
        # Templates of another pack cannot be compared with these faces; files can, whatever the pack.
        usable = [(block.id, content.templates) for block, content in readable if block.recogniser == recogniser]
        if usable:
            before = [self._rows] if len(self._rows) else []
            self._rows = np.concatenate([*before, *(templates for _, templates in usable)])
        self._owners += [owner for owner, templates in usable for _ in templates]
        for block, content in readable:
            self._generations[block.id] = block.changed_in
            for digest in content.files:
                self._files.setdefault(digest, set()).add(block.id)

    def _drop(self, gone: set[UUID]) -> None:
        if not gone:
            return
        stays = [n for n, owner in enumerate(self._owners) if owner not in gone]
        dropped, self._rows = self._rows, self._rows[stays]
        dropped.fill(0)
        self._owners = [self._owners[n] for n in stays]
        self._generations = {held: sealed_in for held, sealed_in in self._generations.items() if held not in gone}
        self._files = {digest: left for digest, owners in self._files.items() if (left := owners - gone)}


@dataclass(frozen=True)
class ImagelessFace:
    """A face without an image, from an engine that keeps its own images."""

    image_id: UUID
    file_digest: bytes = b""
    spellings: frozenset[Spelling] = frozenset()


def screen(faces: Embeddings) -> NDArray[np.bool_]:
    """(n,) Which faces are kept out; each is counted as an image. Errors: OutsideHarvest, HarvestRefused."""
    candidates = [ImagelessFace(uuid4()) for _ in faces]
    ids = [one.image_id for one in candidates]
    while True:
        refused = current_screen().kept_out(candidates, ids, faces)
        with suppress(ListChanged), transaction.atomic():
            current_screen().record()
            return np.array([image_id in refused for image_id in ids], bool)


def matching_pairs(faces: Embeddings, templates: Embeddings, at_least: float) -> Iterator[tuple[int, int]]:
    """Every pair of a face and a template at or above the similarity, by their rows. Rows with NaN match nothing."""
    for top in range(0, len(faces) if len(templates) else 0, FACES_AT_ONCE):
        some = faces[top : top + FACES_AT_ONCE]
        for pairs in Int8Probes(some, np.full(len(some), at_least)).pairs(templates):
            yield from zip((top + pairs.probes).tolist(), pairs.rows.tolist(), strict=True)


def block_threshold(calibration: Calibration | None, *, templates: int) -> float:
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


def exempted_images(images: Sequence[Candidate], matched: Collection[UUID]) -> frozenset[UUID]:
    """Those of the images whose page or own address two people exempted."""
    spellings_of = {image.image_id: image.spellings for image in images if image.image_id in matched}
    exempted = blocks.exempted({spelling for spellings in spellings_of.values() for spelling in spellings})
    return frozenset(image_id for image_id, spellings in spellings_of.items() if exempted.intersection(spellings))


def locked_generation() -> int:
    """The generation of the list, which cannot change until the caller's transaction ends."""
    held = BlockList.objects.select_for_update(no_key=True).filter(id=1).values_list("generation", flat=True)
    return held.first() or 0


def require_no_dormant_blocks(recogniser: str) -> None:
    dormant = blocks.counts(recogniser).dormant
    if dormant and not BlockList.objects.filter(id=1, sleep_accepted_for=recogniser).exists():
        raise HarvestRefused(
            f"{dormant} blocks were made with another face pack and would keep nobody out under this one. Set PACK"
            " back, or accept that they are dormant until their holders send a new photo: manage.py blocks --let-sleep."
        )


def count_harvest() -> Screening:
    """Count this harvest against the day's limit. Errors: HarvestRefused, if the limit is reached."""
    most = int(str(settings.MATCHING["HARVESTS_A_DAY"]))
    if Screening.objects.filter(started_at__gt=Now() - timedelta(days=1)).count() >= most:
        raise HarvestRefused(
            f"The block list was asked by {most} harvests within a day, which is all it answers. Try again later,"
            " with more photos in one harvest."
        )
    return Screening.objects.create(started_at=Now(), blocks=blocks.active_blocks().count())


_current: Screen | None = None


@contextmanager
def open_screen() -> Iterator[None]:
    """Open the block list for one harvest; what was opened is wiped from memory at the end."""
    global _current
    before, _current = _current, (screen := Screen())
    try:
        yield
    finally:
        _current = before
        screen.close()


def current_screen() -> Screen:
    """Errors: OutsideHarvest."""
    if _current is None:
        raise OutsideHarvest("The block list answers only inside a harvest.")
    return _current
