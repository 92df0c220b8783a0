"""What an order is decided by: how its images spread, and a sample of them that the system drew."""

from dataclasses import dataclass
from uuid import UUID

from matching import service
from matching.types import Breakdown, Provenance
from portal.accounts.models import User
from portal.audit import append, seen
from portal.audit.tags import Tag
from portal.core import limits
from portal.orders.models import Order
from portal.policies import budgets
from portal.takedowns import holds

BREAKDOWN = "breakdown"  # as the trail calls it


class TooManyCounts(Exception):
    """Each count tells what is in the index, so one person sees only so many orders counted in a day."""


@dataclass(frozen=True)
class Sampled:
    image_id: UUID
    source: Provenance | None  # None where it is gone
    has_picture: bool


def left_to_see(order: Order, by: User) -> list[str]:
    return seen.unseen(order.code, by=by.pk, wanted=_wanted(order))


def require(order: Order, *, by: User) -> None:
    """Errors: seen.Unseen."""
    seen.require(order.code, by=by.pk, wanted=_wanted(order))


def has_counted(order: Order, by: User) -> bool:
    return not seen.unseen(order.code, by=by.pk, wanted=[BREAKDOWN])


def breakdown(order: Order, by: User) -> Breakdown:
    """Errors: TooManyCounts; an order that `by` saw counted before is free."""
    if not has_counted(order, by):
        budget = budgets.ORDER_COUNTS
        if not limits.spend("order-count", str(by.pk), budget):
            raise TooManyCounts
    append.append(Tag.ORDER_BREAKDOWN_VIEWED, about=order.code, actor=by.pk, saw=BREAKDOWN)
    listed = list(order.listed.values_list("image_id", flat=True)) if order.by_list else None
    return service.breakdown(order.scope, listed)


def sample(order: Order, by: User) -> list[Sampled]:
    """Of those without a picture, the source was looked at by this."""
    images = list(order.sampled.values_list("image_id", flat=True))
    sources, kept_from = service.provenance_of(images), holds.hidden_from(by, images)
    shown = []
    for image in images:
        source = None if image in kept_from else sources.get(image)
        shown.append(Sampled(image, source, source is not None and service.has_preview(image)))
    _has_looked(order, [each.image_id for each in shown if not each.has_picture], by=by)
    return shown


def picture(order: Order, image_id: UUID, by: User) -> bytes | None:
    """A JPEG, wholly pixelated, for someone who saw the breakdown. None where it is not of the sample."""
    is_sampled = order.sampled.filter(image_id=image_id).exists()
    if not is_sampled or not has_counted(order, by) or holds.hidden_from(by, [image_id]):
        return None
    preview = service.preview(image_id, None, clear=False)
    if preview is not None:
        _has_looked(order, [image_id], by=by)
    return preview


def _has_looked(order: Order, image_ids: list[UUID], *, by: User) -> None:
    looks = [(order.code, {"saw": _sight(image_id)}) for image_id in image_ids]
    append.append_many(Tag.ORDER_SAMPLE_VIEWED, looks, actor=by.pk)


def _wanted(order: Order) -> list[str]:
    return [BREAKDOWN, *map(_sight, order.sampled.values_list("image_id", flat=True))]


def _sight(image_id: UUID) -> str:
    return f"image {image_id}"
