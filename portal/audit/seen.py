"""Whether somebody has looked at what they decide on, read from the trail itself (docs/decisions/0018).

An entry of a look names in its detail what was seen: `saw`, a word and a number or id. What must have been seen for
which decision is said where the decision is made.
"""

from collections.abc import Iterable
from hashlib import sha256
from uuid import UUID

from portal.audit.append import About
from portal.audit.models import Entry
from portal.policies import looking


class Unseen(Exception):
    """Somebody would decide on what they, or the colleague who proposed it, have not looked at."""

    def __init__(self, what: list[str], *, by: int) -> None:
        super().__init__(f"{len(what)} not looked at")
        self.what = what
        self.by = by

    def numbers(self, word: str) -> list[int]:
        """Of the things that this word names."""
        named = (thing.split() for thing in self.what)
        return [int(number) for first, number in named if first == word]


def unseen(about: About, *, by: int, wanted: Iterable[str]) -> list[str]:
    """Those of the wanted things that this account has not looked at, in their order."""
    wanted = list(wanted)
    if not wanted:
        return []
    looks = Entry.objects.filter(about=str(about), actor=by, detail__has_key="saw")
    seen = set(looks.values_list("detail__saw", flat=True))
    return [thing for thing in wanted if thing not in seen]


def require(about: About, *, by: int, wanted: Iterable[str]) -> None:
    """Errors: Unseen."""
    if left := unseen(about, by=by, wanted=wanted):
        raise Unseen(left, by=by)


def sample(about: UUID, images: Iterable[UUID]) -> list[UUID]:
    """All images, or where they are many a sample that follows from ids which nobody chose."""
    mixed = sorted(images, key=lambda image: sha256(about.bytes + image.bytes).digest())
    return mixed[: looking.SAMPLE]
