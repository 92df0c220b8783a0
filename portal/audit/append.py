"""The one way into the trail. Call it inside the transaction that makes the change."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.core import clock

Detail = str | int | float | bool | None | UUID | list[int] | list[str]
About = UUID | int | str
BATCH = 2000  # rows a statement


def append(tag: Tag, *, about: About, actor: int | None = None, **detail: Detail) -> None:
    append_many(tag, [(about, detail)], actor=actor)


def append_many(tag: Tag, entries: Iterable[tuple[About, Mapping[str, Detail]]], *, actor: int | None = None) -> None:
    """An entry for each of (about, detail): what a batch did is recorded one by one, in one statement."""
    now = clock.now()
    rows = [Entry(at=now, tag=tag, about=str(about), actor=actor, detail=_plain(detail)) for about, detail in entries]
    Entry.objects.bulk_create(rows, batch_size=BATCH)


def _plain(detail: Mapping[str, Detail]) -> dict[str, Detail]:
    return {name: str(value) if isinstance(value, UUID) else value for name, value in detail.items()}
