"""What replays each kind of note after a backup was restored (matching.journal)."""

from collections.abc import Sequence
from uuid import UUID

from matching import service
from portal.blocks import choices
from portal.notices import writing
from portal.takedowns import holds, removals


class Hooks:
    """Satisfies matching.types.ReplayHooks."""

    def held(self, image_ids: Sequence[UUID]) -> frozenset[UUID]:
        return removals.held(image_ids)

    def record_recipients(self, image_ids: Sequence[UUID]) -> None:
        writing.tell(image_ids)


def register() -> None:
    service.use_replay_hooks(Hooks())
    service.use_note_replayer(holds.NOTE, holds.replay_note)
    service.use_note_replayer(choices.NOTE, choices.replay_note)
