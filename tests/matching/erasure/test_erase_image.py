"""Each store is emptied on its own, any number of times, and looked into to see that it was."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fsspec.implementations.local import LocalFileSystem

from matching import service
from matching.stores import blobs
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
    assert service.provenance_of([image]) == {}


FOLDERS = (Store.IMAGES, Store.DERIVED)


class Forgetful(LocalFileSystem):  # type: ignore[misc]
    """A store whose listings leave everything out."""

    def ls(self, path: str, detail: bool = False, **options: Any) -> list[Any]:
        return []


class Remembering(LocalFileSystem):  # type: ignore[misc]
    """A store that lists from memory what it once saw, until it is told to forget."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.seen: dict[str, list[Any]] = {}

    def ls(self, path: str, detail: bool = False, **options: Any) -> list[Any]:
        if path not in self.seen:
            self.seen[path] = super().ls(path, detail, **options)
        return self.seen[path]

    def invalidate_cache(self, path: str | None = None) -> None:
        self.seen.clear()


class Unreachable(LocalFileSystem):  # type: ignore[misc]
    def info(self, path: str, **options: Any) -> dict[str, Any]:
        raise ConnectionResetError


@pytest.mark.parametrize("store", FOLDERS)
def test_a_listing_that_leaves_it_out_does_not_pass_for_gone(
    store: Store, own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = builders.make_image(builders.unit_rows(1))
    monkeypatch.setattr(blobs.store(), "fs", Forgetful(skip_instance_cache=True))
    assert service.present(image, store)
    for each in FOLDERS:
        service.erase(image, each)
    assert not service.present(image, store)
    assert not [path for path in own_store.rglob("*") if path.is_file()]


def test_it_does_not_look_into_a_memory_of_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    image = uuid4()
    blobs.store().write_derived(image, "of_a_later_version", b"x")
    blobs.store().remove([image], Store.DERIVED)
    elsewhere = blobs.BlobStore(blobs.store().root)
    monkeypatch.setattr(blobs.store(), "fs", Remembering(skip_instance_cache=True))
    assert not service.present(image, Store.DERIVED)
    elsewhere.write_derived(image, "of_a_later_version", b"x")
    assert service.present(image, Store.DERIVED)


@pytest.mark.parametrize("store", FOLDERS)
def test_a_store_that_cannot_be_asked_does_not_pass_for_empty(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    image = builders.make_image(builders.unit_rows(1))
    monkeypatch.setattr(blobs.store(), "fs", Unreachable(skip_instance_cache=True))
    with pytest.raises(ConnectionResetError):
        service.present(image, store)
