"""What a decision in a case rests on, and what of it somebody has not looked at yet.

On the route with a photo: the subject's photos and each picture concerned. On the route by addresses: the pictures.
Where nothing of a picture can be shown, where it was found; where not even that is left, there is nothing to delete.
"""

from collections.abc import Collection, Iterable

from matching import service
from portal.accounts.models import User
from portal.audit import seen
from portal.cases.models import Case, Match, Photo
from portal.takedowns import holds


def photo(of: Photo) -> str:
    return f"photo {of.pk}"


def match(of: Match) -> str:
    return f"match {of.pk}"


def shown_to(by: User, matches: Collection[Match]) -> frozenset[int]:
    """The numbers of matches of which there is something to see: still in the index, and under no hold of others."""
    images = [each.image_id for each in matches]
    gone_for_them = holds.hidden_from(by, images)
    there = service.identifiers_of(images)
    return frozenset(each.pk for each in matches if each.image_id in there and each.image_id not in gone_for_them)


def left_to_see(case: Case, *, by: User, delete: Iterable[Match] = (), leave: Iterable[Match] = ()) -> list[str]:
    """What `by` must still look at. What is gone may be left unseen, never deleted."""
    delete, leave = list(delete), list(leave)
    there = shown_to(by, leave)
    wanted = [
        *(photo(each) for each in case.photos.defer("sealed")),
        *(match(each) for each in delete),
        *(match(each) for each in leave if each.pk in there),
    ]
    return seen.unseen(case.code, by=by.pk, wanted=wanted)


def require_pictures(case: Case, *, by: User, matches: Collection[Match]) -> None:
    """For a hold, which is not decided by comparing: the pictures without the photo. Errors: Unseen."""
    there = shown_to(by, matches)
    seen.require(case.code, by=by.pk, wanted=[match(each) for each in matches if each.pk in there])


def require(case: Case, *, by: User, delete: Iterable[Match] = (), leave: Iterable[Match] = ()) -> None:
    """Errors: Unseen."""
    if left := left_to_see(case, by=by, delete=delete, leave=leave):
        raise seen.Unseen(left, by=by.pk)
