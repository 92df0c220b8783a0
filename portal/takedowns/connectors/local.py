"""The stores of this installation: the face index, the image store, and the files derived from images."""

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
        try:
            service.erase(erasure.image_id, self.store)
        except OSError as error:
            raise StoreError(type(error).__name__, permanent=False) from error

    def present(self, erasure: Erasure) -> bool:
        try:
            return service.present(erasure.image_id, self.store)
        except OSError as error:
            raise StoreError(type(error).__name__, permanent=False) from error
