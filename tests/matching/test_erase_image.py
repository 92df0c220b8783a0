"""Each store is emptied on its own, any number of times, and looked into to see that it was."""

from pathlib import Path
from uuid import uuid4

import pytest

from matching import blobs, service
from matching.types import Store
from tests.matching import builders

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("store", Store)
def test_it_empties_one_store_and_leaves_the_others(store: Store) -> None:
    image, other = (builders.make_image(builders.unit_rows(2)) for _ in range(2))
    service.erase(image, store)
    service.erase(image, store)
    assert [left for left in Store if not service.present(image, left)] == [store]
    assert all(service.present(other, left) for left in Store)


def test_it_needs_no_row_to_empty_the_folders() -> None:
    image = builders.make_image(builders.unit_rows(1))
    for store in (Store.INDEX, Store.DERIVED, Store.IMAGES):
        service.erase(image, store)
    assert not any(service.present(image, store) for store in Store)


def test_it_takes_every_derived_variant(own_store: Path) -> None:
    image = builders.make_image(builders.unit_rows(1))
    blobs.store().write_derived(image, "of_a_later_version", b"x")
    service.erase(image, Store.IMAGES)
    service.erase(image, Store.DERIVED)
    assert not [path for path in own_store.rglob("*") if path.is_file()]


def test_an_unknown_image_is_absent() -> None:
    unknown = uuid4()
    for store in Store:
        service.erase(unknown, store)
        assert not service.present(unknown, store)


def test_it_is_no_longer_found() -> None:
    probe = builders.unit_rows(1)
    image = builders.make_image(probe)
    service.erase(image, Store.INDEX)
    assert service.search(probe).matches == ()
    assert service.provenance([image]) == {}
