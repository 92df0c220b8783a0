"""Hiding takes an image out of the operator's search at once, and out of nothing else."""

import numpy as np
import pytest

from matching import service
from tests.matching import builders

pytestmark = pytest.mark.django_db


def test_it_leaves_the_operators_search_but_not_the_residents() -> None:
    probe = builders.unit_rows(1)
    hidden, shown = builders.make_image(probe), builders.make_image(probe)
    service.hide([hidden])
    assert {match.image_id for match in service.operator_search(probe)} == {shown}
    assert {match.image_id for match in service.search(probe).matches} == {hidden, shown}


def test_it_is_read_back() -> None:
    image, other = (builders.make_image(builders.unit_rows(1)) for _ in range(2))
    assert service.searchable([image, other]) == {image, other}
    service.hide([image])
    service.hide([image])
    assert service.searchable([image, other]) == {other}


def test_it_can_be_shown_again() -> None:
    image = builders.make_image(builders.unit_rows(1))
    service.hide([image])
    service.unhide([image])
    assert service.searchable([image]) == {image}


def test_a_limit_counts_shown_images_only() -> None:
    probe = builders.unit_rows(1)
    service.hide([builders.make_image(probe) for _ in range(3)])
    shown = builders.make_image(builders.near(probe[0], 0.99)[np.newaxis])
    assert [match.image_id for match in service.operator_search(probe, limit=1)] == [shown]
