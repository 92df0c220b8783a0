"""Staff see the subject's face at most, and only where that was granted."""

import io
from uuid import UUID, uuid4

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from matching import service
from matching.models import Face
from matching.types import Box
from tests.matching import builders

pytestmark = pytest.mark.django_db

SUBJECT, NEIGHBOUR = Box(40, 40, 140, 140), Box(120, 40, 220, 140)


@pytest.fixture
def image() -> UUID:
    rows = builders.unit_rows(2)
    return builders.make_image(rows, boxes=[SUBJECT, NEIGHBOUR], pixels=builders.noise(side=300))


def shown(image: UUID, face_id: int | None, *, clear: bool) -> NDArray[np.float64]:
    content = service.preview(image, face_id, clear=clear)
    assert content is not None
    return np.asarray(Image.open(io.BytesIO(content)).convert("L"), float)


def subject_of(image: UUID) -> int:
    return Face.objects.get(image_id=image, box_left=SUBJECT.left).pk


def detail(pixels: NDArray[np.float64], box: Box) -> float:
    """How much neighbouring pixels differ: noise keeps it high, blocks of one colour bring it down."""
    inner = pixels[box.top + 4 : box.bottom - 4, box.left + 4 : box.right - 4]
    return float(np.abs(np.diff(inner, axis=1)).mean())


def test_only_the_subjects_face_is_clear(image: UUID) -> None:
    pixels = shown(image, subject_of(image), clear=True)
    assert detail(pixels, Box(40, 40, 118, 140)) > 20
    for elsewhere in (Box(144, 40, 220, 140), Box(0, 160, 300, 300)):
        assert detail(pixels, elsewhere) < 6


def test_a_neighbours_face_that_overlaps_stays_hidden(image: UUID) -> None:
    assert detail(shown(image, subject_of(image), clear=True), Box(118, 44, 142, 136)) < 6


def test_without_leave_nothing_is_clear(image: UUID) -> None:
    assert detail(shown(image, subject_of(image), clear=False), SUBJECT) < 6


def test_without_a_face_nothing_is_clear(image: UUID) -> None:
    assert detail(shown(image, None, clear=True), Box(0, 0, 300, 300)) < 6


def test_a_face_of_another_image_opens_nothing(image: UUID) -> None:
    other = builders.make_image(builders.unit_rows(1, seed=4))
    assert detail(shown(image, Face.objects.get(image_id=other).pk, clear=True), SUBJECT) < 6


def test_an_absent_image_has_none() -> None:
    assert service.preview(uuid4(), None, clear=False) is None
