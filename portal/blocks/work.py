"""What workers do with blocks. Each may be interrupted anywhere and run again."""

from uuid import UUID

from matching import service
from portal.audit import append
from portal.audit.tags import Tag
from portal.blocks import choices
from portal.blocks.models import Choice
from portal.core import clock, keys


def destroy_key(block: str) -> None:
    """What the block held is gone in every file and backup with its key."""
    block_id = UUID(block)
    if not service.active_blocks([block_id]) and keys.exists(block_id):
        keys.destroy(block_id)
        append.append(Tag.KEY_DESTROYED, about=block_id)


def end_terms() -> None:
    for choice in Choice.objects.filter(ends_on__lt=clock.today()):
        choices.end(choice)
