"""Writing down who must be told about which image, before the index forgets where the image came from."""

import json
from collections.abc import Collection, Sequence
from uuid import UUID

from django.conf import settings
from django.db import transaction

from matching import service
from matching.types import ImageDisclosure, ImageIdentifiers
from portal.audit import append
from portal.audit.tags import Tag
from portal.core import clock, keys, sealed
from portal.jobs import queue
from portal.notices import content
from portal.notices.content import ITEM
from portal.notices.models import Item, Notice, Recipient
from portal.notices.states import TO_BE_SENT, NoticeState

# Images in a notice, after which it is sent without waiting for the end of its window: some 300 bytes each make 1.5 MB,
# which mail servers and webhooks take, and among so many none says with which others it was removed.
MOST = 5_000


def untold(image_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of the images that some recipient was shown and is not told about."""
    told = set(Item.objects.filter(image_id__in=image_ids).values_list("recipient__code", "image_id"))
    return frozenset(
        shown.image_id for shown in service.disclosures_of(image_ids) if (shown.client, shown.image_id) not in told
    )


def tell(image_ids: Sequence[UUID]) -> None:
    """Put each image into a notice to each recipient who was shown it. Idempotent."""
    by_client: dict[str, dict[UUID, list[ImageDisclosure]]] = {}
    for shown in service.disclosures_of(image_ids):
        by_client.setdefault(shown.client, {}).setdefault(shown.image_id, []).append(shown)
    identifiers = service.identifiers_of(image_ids)
    for client in sorted(by_client):
        _tell(client, by_client[client], identifiers)


@transaction.atomic
def _tell(client: str, images: dict[UUID, list[ImageDisclosure]], identifiers: dict[UUID, ImageIdentifiers]) -> None:
    recipient, _new = Recipient.objects.get_or_create(code=client)
    # One writer for each recipient: its notice is neither opened twice nor closed under an item.
    Recipient.objects.select_for_update().get(pk=recipient.pk)
    told = Item.objects.filter(recipient=recipient, image_id__in=images).values_list("image_id", flat=True)
    new = [image_id for image_id in images if image_id not in set(told)]
    while new:
        notice = _collecting(recipient)
        room = max(0, MOST - notice.items.count())
        Item.objects.bulk_create(
            Item(
                notice=notice,
                recipient=recipient,
                image_id=image_id,
                sealed=sealed.seal(
                    notice.pk, _said(image_id, images[image_id], identifiers.get(image_id)), purpose=ITEM
                ),
            )
            for image_id in new[:room]
        )
        if len(new) >= room:
            content.close(notice)
            queue.enqueue("notice.send", notice.pk)
        new = new[room:]


@transaction.atomic
def withdraw(image_ids: Collection[UUID]) -> None:
    """Leave these images out of whatever is still to be sent; `tell` writes them down again.

    What was sent is not called back.
    """
    naming = Item.objects.filter(image_id__in=image_ids, notice__state__in=TO_BE_SENT)
    for recipient in Recipient.objects.filter(pk__in=naming.values("recipient")).order_by("pk").select_for_update():
        for notice in recipient.notices.filter(pk__in=naming.values("notice")).order_by("pk").select_for_update():
            content.leave_out(notice, image_ids)


def _collecting(recipient: Recipient) -> Notice:
    found = recipient.notices.filter(state=NoticeState.COLLECTING).first()
    if found is not None:
        return found
    now = clock.now()
    notice = Notice(recipient=recipient, opened_at=now, closes_at=now + settings.NOTICE_WINDOW)
    keys.create(notice.pk)
    notice.save(force_insert=True)
    append.append(Tag.NOTICE_OPENED, about=notice.pk, recipient=recipient.pk)
    queue.enqueue("notice.send", notice.pk, run_at=notice.closes_at)
    return notice


def _said(image_id: UUID, shown: list[ImageDisclosure], identifiers: ImageIdentifiers | None) -> bytes:
    """What the recipient needs in order to find its copies: nothing about who asked, nothing of a face."""
    said = {
        "id": str(image_id),
        "page": identifiers.page if identifiers else None,
        "sha256": identifiers.file_digest.hex() if identifiers else None,
        "shown": [{"at": one.shown_at.isoformat(), "agency": one.agency} for one in shown],
    }
    return json.dumps(said).encode()
