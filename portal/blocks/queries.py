"""What the holder of a code may see: it follows from the clock and their own acts, never from what was found."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from matching import service
from matching.errors import PackError
from portal.blocks.models import Choice
from portal.core import clock


@dataclass(frozen=True)
class Shown:
    begins_at: datetime
    has_begun: bool
    ends_on: date
    # How often a photo was refused; None for whoever is not entitled to counts. With a photo of a stranger anyone could
    # otherwise learn when that stranger is photographed.
    refused: int | None


def any_asleep() -> bool:
    try:
        return bool(service.block_counts().dormant)
    except PackError:  # nothing is harvested either
        return False


def choice_of(case: str | None) -> Choice | None:
    """Only once the request was sent: before, it is changed there."""
    if case is None:
        return None
    return Choice.objects.filter(pk=UUID(case), begins_at__isnull=False).first()


def shown(choice: Choice) -> Shown:
    assert choice.begins_at is not None
    assert choice.ends_on is not None
    refused = service.photos_kept_out_by(choice.block) if choice.may_see_count else None
    return Shown(choice.begins_at, clock.now() >= choice.begins_at, choice.ends_on, refused)
