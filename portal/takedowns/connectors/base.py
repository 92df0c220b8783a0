"""The contract of a store. A connector gets erasures; it never sees a case."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable
from uuid import UUID


@dataclass(frozen=True)
class Erasure:
    """What to remove. Every store is addressed by the image's id, so that removing needs no row that may be gone."""

    image_id: UUID


class StoreError(Exception):
    """A store failed. A permanent failure waits for a person; anything else is tried again."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class Connector(Protocol):
    @property
    def name(self) -> str:
        """The store's key in each step of a takedown; it never changes, and no two connectors share one."""

    def remove(self, erasure: Erasure) -> None:
        """Remove the image; it is no error if it is gone already. Errors: StoreError."""

    def present(self, erasure: Erasure) -> bool:
        """Read back whether anything is left, by another way than `remove` took. Errors: StoreError."""


@runtime_checkable
class BatchConnector(Connector, Protocol):
    """A store that takes many images at once. If a batch fails, each image is tried alone with the two above."""

    def remove_many(self, erasures: Sequence[Erasure]) -> None:
        """Remove a batch. Errors: StoreError, and then any part of the batch may be gone."""

    def present_many(self, erasures: Sequence[Erasure]) -> frozenset[Erasure]:
        """Read back a batch: those of which anything is left. Errors: StoreError."""


@runtime_checkable
class LastLook(Connector, Protocol):
    """A store whose work depends on what the index still knows, and may have grown since its own step."""

    def before_index(self, erasures: Sequence[Erasure]) -> None:
        """Called just before the index forgets these images. Idempotent."""
