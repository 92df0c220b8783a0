"""The bytes of a notice: composed and sealed when it closes, and from then on the same for each delivery."""

import hashlib
import json
import secrets
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from portal.core import clock, sealed
from portal.notices import moves
from portal.notices.models import Item, Notice
from portal.notices.states import NoticeState
from portal.policies import notices as policy

# What each is sealed for.
CONTENT, ITEM = "notice/content", "notice/item"


def close(notice: Notice) -> None:
    """Nothing is added any more. In a transaction that holds the lock of the recipient."""
    content, token_digest = _composed(notice)
    shut = sealed.seal(notice.pk, content, purpose=CONTENT)
    moves.move(notice, NoticeState.DUE, sealed=shut, token_digest=token_digest)
    Item.objects.filter(notice=notice).update(sealed=None)


def _composed(notice: Notice) -> tuple[bytes, bytes]:
    """The content, and the digest of the token in it. Images come in the order of their random ids: no other says
    anything about them."""
    token = secrets.token_urlsafe(32)
    items = Item.objects.filter(notice=notice).order_by("image_id")
    content = {
        "type": "images.deleted",
        "notice": str(notice.pk),
        "operator": settings.OPERATOR_NAME,
        "issued_at": clock.now().isoformat(timespec="seconds"),
        "basis": policy.BASIS,
        "demand": policy.DEMAND,
        "acknowledge": settings.SITE_URL + reverse("api:acknowledge", args=[token]),
        "acknowledge_in_a_browser": settings.SITE_URL + reverse("recipients:open", args=[token]),
        "acknowledge_within_days": policy.ACKNOWLEDGE_WITHIN.days,
        "images": [json.loads(sealed.unseal(notice.pk, item.sealed or b"", purpose=ITEM)) for item in items],
    }
    return _written(content), digest(token)


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def opened(notice: Notice) -> bytes:
    return sealed.unseal(notice.pk, notice.sealed or b"", purpose=CONTENT)


def leave_out(notice: Notice, image_ids: Collection[UUID]) -> None:
    """Take images out of a notice that would still be sent; one that names nothing more ends. Locked as for `close`."""
    Item.objects.filter(notice=notice, image_id__in=image_ids).delete()
    if not notice.items.exists():
        moves.move(notice, NoticeState.WITHDRAWN)
    elif notice.sealed is not None:
        said = json.loads(opened(notice))
        said["images"] = [image for image in said["images"] if UUID(image["id"]) not in image_ids]
        shut = sealed.seal(notice.pk, _written(said), purpose=CONTENT)
        Notice.objects.filter(pk=notice.pk).update(sealed=shut)


def _written(said: dict[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False, sort_keys=True).encode()
