"""The contract of a store. A connector knows an erasure, never a case."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable
from uuid import UUID


@dataclass(frozen=True)
class Erasure:
    """What to remove. The id is enough: stores are addressed by it, so that removing never needs a row that is gone."""

    image_id: UUID


class StoreError(Exception):
    """A store failed. Permanent goes to a person, anything else is tried again."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class Connector(Protocol):
    @property
    def name(self) -> str: ...

    def remove(self, erasure: Erasure) -> None:
        """Remove; removing what is gone is no error. Errors: StoreError."""

    def present(self, erasure: Erasure) -> bool:
        """Look, by another way than `remove` went, whether anything is left. Errors: StoreError."""


@runtime_checkable
class BatchConnector(Connector, Protocol):
    """A store that takes many at once. Where a batch fails, each of it is tried alone by the two above."""

    def remove_many(self, erasures: Sequence[Erasure]) -> None:
        """Errors: StoreError; any part of the batch may be gone then."""

    def present_many(self, erasures: Sequence[Erasure]) -> frozenset[Erasure]:
        """Those of which anything is left. Errors: StoreError."""
