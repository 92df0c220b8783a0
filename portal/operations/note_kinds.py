"""What a restored database has forgotten and is told again, by the kind of note (matching.journal)."""

from collections.abc import Sequence
from uuid import UUID

from matching import service
from portal.blocks import choices
from portal.notices import writing
from portal.takedowns import holds, removals


class Keeper:
    """Satisfies matching.types.ImageKeeper."""

    def held(self, image_ids: Sequence[UUID]) -> frozenset[UUID]:
        return removals.held(image_ids)

    def tell(self, image_ids: Sequence[UUID]) -> None:
        writing.tell(image_ids)


def register() -> None:
    service.use_image_keeper(Keeper())
    service.bring_back_from_journal(holds.NOTE, holds.bring_back)
    service.bring_back_from_journal(choices.NOTE, choices.bring_back)
