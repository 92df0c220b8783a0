"""The contract of a store. A connector knows an erasure, never a case."""

from dataclasses import dataclass
from typing import Protocol
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
