"""The image store: any file system fsspec knows. A blob is named by the image's id alone."""

from contextlib import suppress
from functools import cache
from uuid import UUID

import fsspec
from django.conf import settings

from matching.types import Store

FOLDERS = {Store.IMAGES: "images", Store.DERIVED: "derived"}
UPRIGHT = "upright"  # the variant that previews are made from


class BlobStore:
    def __init__(self, url: str) -> None:
        self.fs, self.root = fsspec.core.url_to_fs(url)

    def write_image(self, image_id: UUID, content: bytes) -> None:
        self._write(self._image(image_id), content)

    def write_derived(self, image_id: UUID, variant: str, content: bytes) -> None:
        self._write(self._derived(image_id, variant), content)

    def image(self, image_id: UUID) -> bytes | None:
        return self._read(self._image(image_id))

    def derived(self, image_id: UUID, variant: str) -> bytes | None:
        return self._read(self._derived(image_id, variant))

    def remove(self, image_id: UUID, store: Store) -> None:
        for path in self.paths(image_id, store):
            with suppress(FileNotFoundError):  # only the listing still had it
                self.fs.rm_file(path)

    def paths(self, image_id: UUID, store: Store) -> list[str]:
        """Whatever lies in the store under this id; OSError where the store cannot be asked.

        A listing shows variants that this version does not know; asking for each known name finds what a
        stale or wrong listing leaves out. Nothing is answered from a cache.
        """
        self.fs.invalidate_cache()
        known = [self._image(image_id)] if store is Store.IMAGES else [self._derived(image_id, UPRIGHT)]
        return sorted({*self._listed(image_id, store), *filter(self._exists, known)})

    def _listed(self, image_id: UUID, store: Store) -> list[str]:
        try:
            names: list[str] = self.fs.ls(self._folder(image_id, store), detail=False)
        except (FileNotFoundError, NotADirectoryError):
            return []
        return [name for name in names if name.rsplit("/", 1)[-1].startswith(str(image_id))]

    def _exists(self, path: str) -> bool:
        try:
            self.fs.info(path)  # not exists(), which takes every error for absence
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def _image(self, image_id: UUID) -> str:
        return f"{self._folder(image_id, Store.IMAGES)}/{image_id}"

    def _derived(self, image_id: UUID, variant: str) -> str:
        return f"{self._folder(image_id, Store.DERIVED)}/{image_id}-{variant}.jpg"

    def _folder(self, image_id: UUID, store: Store) -> str:
        return f"{self.root}/{FOLDERS[store]}/{str(image_id)[:2]}"

    def _write(self, path: str, content: bytes) -> None:
        self.fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        self.fs.pipe_file(path, content)

    def _read(self, path: str) -> bytes | None:
        try:
            return bytes(self.fs.cat_file(path))
        except FileNotFoundError:
            return None


@cache
def at(url: str) -> BlobStore:
    return BlobStore(url)


def store() -> BlobStore:
    return at(settings.MATCHING["IMAGE_STORE"])
