"""One harvested image or many: out of search, back into it, out of a store, and read back."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from matching.erasure import tombstones
from matching.erasure.tombstones import Verb
from matching.index import store as index
from matching.models import HarvestedImage
from matching.stores import blob_store
from matching.types import Store


def hide(image_ids: Sequence[UUID]) -> None:
    """Out of the operator's search from the next query on. Idempotent."""
    tombstones.record(Verb.HIDDEN, image_ids)
    HarvestedImage.objects.filter(id__in=image_ids, hidden_at=None).update(hidden_at=Now())


def unhide(image_ids: Sequence[UUID]) -> None:
    # Afterwards: an image shown by a transaction that fails must not be shown by a replay.
    transaction.on_commit(lambda: tombstones.record(Verb.UNHIDDEN, image_ids))
    HarvestedImage.objects.filter(id__in=image_ids).update(hidden_at=None)


def searchable(image_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of the images that the operator's search could still return."""
    return index().searchable(image_ids)


def erase(image_ids: Sequence[UUID], store: Store) -> None:
    """Idempotent; where it fails, any part of the batch may be gone. Errors: IndexBehind, and nothing is gone."""
    if store is Store.INDEX:
        tombstones.record(Verb.ERASED, image_ids)
        index().remove(image_ids)
    else:
        tombstones.require_replayed()
        blob_store().remove(image_ids, store)


def present(image_ids: Sequence[UUID], store: Store) -> frozenset[UUID]:
    """Those of the images of which the store still has something."""
    if store is Store.INDEX:
        return index().present(image_ids)
    return blob_store().present(image_ids, store)
