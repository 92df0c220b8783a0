"""The stores of this installation: the face index, the image store, and the files derived from images."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from matching import service
from matching.types import Store
from portal.takedowns.connectors.base import Erasure, StoreError


@dataclass(frozen=True)
class LocalStore:
    store: Store

    @property
    def name(self) -> str:
        return self.store.value

    def remove(self, erasure: Erasure) -> None:
        self.remove_many([erasure])

    def present(self, erasure: Erasure) -> bool:
        return bool(self.present_many([erasure]))

    def remove_many(self, erasures: Sequence[Erasure]) -> None:
        with _told():
            service.erase_many([erasure.image_id for erasure in erasures], self.store)

    def present_many(self, erasures: Sequence[Erasure]) -> frozenset[Erasure]:
        with _told():
            left = service.present_many([erasure.image_id for erasure in erasures], self.store)
        return frozenset(map(Erasure, left))


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(type(error).__name__, permanent=False) from error
