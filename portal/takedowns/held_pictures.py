"""What is kept by a legal hold, shown to whoever decides on it: pictures without a face to recognise, and sources."""

from dataclasses import dataclass
from uuid import UUID

from matching import service
from matching.types import Provenance
from portal.accounts.models import User
from portal.takedowns import holds
from portal.takedowns.models import Hold


@dataclass(frozen=True)
class HeldPicture:
    image_id: UUID
    source: Provenance | None  # None once it is no longer in the index
    has_picture: bool


def shown(hold: Hold, by: User) -> list[HeldPicture]:
    """All, or the sample; of those without a picture the source was looked at by this."""
    images = holds.to_look_at(hold)
    sources = service.provenance_of(images)
    pictures = [
        HeldPicture(image, sources.get(image), image in sources and service.has_preview(image)) for image in images
    ]
    holds.has_looked(hold, [each.image_id for each in pictures if not each.has_picture], by=by)
    return pictures


def picture(hold: Hold, image_id: UUID, by: User) -> bytes | None:
    """A JPEG, wholly pixelated: whom it shows is not what a hold is decided by. None where it is not one of `shown`."""
    preview = service.preview(image_id, None, clear=False) if image_id in holds.to_look_at(hold) else None
    if preview is not None:
        holds.has_looked(hold, [image_id], by=by)
    return preview
