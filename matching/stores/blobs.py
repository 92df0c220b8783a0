"""The image store: any file system fsspec knows. A blob is named by the image's id alone."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from uuid import UUID

import fsspec
from django.conf import settings
from fsspec.implementations.local import LocalFileSystem

from matching.stores import s3
from matching.types import Store

FOLDERS = {Store.IMAGES: "images", Store.DERIVED: "derived"}
UPRIGHT = "upright"  # the variant that previews are made from
ID_LENGTH = 36  # of a file's name, which begins with the image's id


class BlobStore:
    def __init__(self, url: str) -> None:
        # Of its own: an instance kept elsewhere may hold connections of another process or to another endpoint.
        self.fs, self.root = fsspec.core.url_to_fs(url, skip_instance_cache=True)
        self.versions = s3.Versions(self.fs, self.root) if "s3" in self.fs.protocol else None

    def write_image(self, image_id: UUID, content: bytes) -> None:
        self._write(self._image(image_id), content)

    def write_derived(self, image_id: UUID, variant: str, content: bytes) -> None:
        self._write(self._derived(image_id, variant), content)

    def image(self, image_id: UUID) -> bytes | None:
        return self._read(self._image(image_id))

    def derived(self, image_id: UUID, variant: str) -> bytes | None:
        return self._read(self._derived(image_id, variant))

    def remove(self, image_ids: Sequence[UUID], store: Store) -> None:
        """Idempotent. What is gone once this returns stays gone through a power cut."""
        if self.versions:
            self.versions.remove(self._prefixes(image_ids, store))
            return
        for path in self.paths(image_ids, store):
            with suppress(FileNotFoundError):  # only the listing still had it
                self.fs.rm_file(path)
        # Those, too, of which nothing was found: a try before this one may have died between the two.
        self._settle(self._folders(image_ids, store))

    def present(self, image_ids: Sequence[UUID], store: Store) -> frozenset[UUID]:
        """Those of the images of which anything is left."""
        return frozenset(UUID(_name(path)[:ID_LENGTH]) for path in self.paths(image_ids, store))

    def paths(self, image_ids: Sequence[UUID], store: Store) -> list[str]:
        """Whatever lies in the store under these ids; OSError where the store cannot be asked.

        A listing shows variants that this version does not know; asking for each known name finds what a
        stale or wrong listing leaves out. Nothing is answered from a cache.
        """
        if self.versions:
            return self.versions.paths(self._prefixes(image_ids, store))
        self.fs.invalidate_cache()
        names = {str(image_id) for image_id in image_ids}
        listed = (path for folder in self._folders(image_ids, store) for path in self._listed(folder))
        known = (self._known(image_id, store) for image_id in image_ids)
        return sorted({*(path for path in listed if _name(path)[:ID_LENGTH] in names), *filter(self._exists, known)})

    def _listed(self, folder: str) -> list[str]:
        try:
            return list(self.fs.ls(folder, detail=False))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _settle(self, folders: Iterable[str]) -> None:
        """A file system writes a removal down when it likes, and forgets it in a power cut; so it is asked to now."""
        if not isinstance(self.fs, LocalFileSystem):
            return
        for folder in folders:
            with suppress(FileNotFoundError, NotADirectoryError), _opened(folder) as descriptor:
                os.fsync(descriptor)

    def _exists(self, path: str) -> bool:
        try:
            self.fs.info(path)  # not exists(), which takes every error for absence
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def _prefixes(self, image_ids: Iterable[UUID], store: Store) -> list[str]:
        """What the names of all an image has in the store begin with."""
        return [f"{self._folder(image_id, store)}/{image_id}" for image_id in image_ids]

    def _known(self, image_id: UUID, store: Store) -> str:
        return self._image(image_id) if store is Store.IMAGES else self._derived(image_id, UPRIGHT)

    def _folders(self, image_ids: Iterable[UUID], store: Store) -> list[str]:
        return sorted({self._folder(image_id, store) for image_id in image_ids})

    def _image(self, image_id: UUID) -> str:
        return f"{self._folder(image_id, Store.IMAGES)}/{image_id}"

    def _derived(self, image_id: UUID, variant: str) -> str:
        return f"{self._folder(image_id, Store.DERIVED)}/{image_id}-{variant}.jpg"

    def _folder(self, image_id: UUID, store: Store) -> str:
        return f"{self.root}/{FOLDERS[store]}/{str(image_id)[:2]}"

    def _write(self, path: str, content: bytes) -> None:
        if self.versions:
            self.versions.write(path, content)
            return
        self.fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        self.fs.pipe_file(path, content)

    def _read(self, path: str) -> bytes | None:
        try:
            with s3.errors_as_os_error():
                return bytes(self.fs.cat_file(path))
        except FileNotFoundError:
            return None


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


@contextmanager
def _opened(folder: str) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@cache
def at(url: str, _process: int) -> BlobStore:
    return BlobStore(url)


def store() -> BlobStore:
    # One for each process: connections do not outlive a fork.
    return at(settings.MATCHING["IMAGE_STORE"], os.getpid())
