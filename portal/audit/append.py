"""The one way into the trail. Call it inside the transaction that makes the change."""

from uuid import UUID

from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.core import clock

Detail = str | int | float | bool | None | UUID | list[int] | list[str]


def append(tag: Tag, *, about: UUID | int | str, actor: int | None = None, **detail: Detail) -> None:
    plain = {name: str(value) if isinstance(value, UUID) else value for name, value in detail.items()}
    Entry.objects.create(at=clock.now(), tag=tag, about=str(about), actor=actor, detail=plain)
