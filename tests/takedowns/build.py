"""Images, their removals, and holds by the two of the cast."""

from uuid import UUID, uuid4

from matching import service
from matching.types import Store
from portal.accounts.models import User
from portal.takedowns import holds
from portal.takedowns.models import Hold, HoldReason, ReleasedBecause
from portal.takedowns.removals import open_removal
from tests.builders import look_at_hold
from tests.matching import builders as index


def remove(*images: UUID) -> UUID:
    return open_removal(uuid4(), images, job_when_removed="test.over", job_when_purged="test.over").pk


def place(image: UUID, sam: User, lee: User, reason: HoldReason = HoldReason.LITIGATION) -> Hold:
    hold = holds.propose([image], reason, by=sam)
    look_at_hold(hold, hold.proposed_by, lee)
    holds.confirm(hold, by=lee)
    return Hold.objects.get(pk=hold.pk)


def let_go(hold: Hold, sam: User, lee: User) -> None:
    holds.propose_release(hold, ReleasedBecause.ENDED, by=sam)
    holds.confirm_release(hold, by=lee)


def searchable_image() -> UUID:
    """With a face, so that the operator's search returns it until it is hidden."""
    image = index.make_image(index.unit_rows(1))
    assert service.searchable([image]) == {image}
    return image


def is_whole(image: UUID) -> bool:
    return all(service.present(image, store) for store in Store)
