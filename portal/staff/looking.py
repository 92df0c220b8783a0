"""What somebody who decides has still to look at, in words and with the way to the next one."""

from collections.abc import Collection
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.accounts.models import User
from portal.audit.seen import Unseen
from portal.cases import looked_at
from portal.cases.models import Case, Match


@dataclass(frozen=True)
class Looking:
    """`text`: what is left; `next`: the page on which the next is looked at."""

    text: str
    next: str


def at(case: Case, rests_on: Collection[Match], *, by: User) -> Looking | None:
    """None where everything that a decision on these matches rests on was looked at."""
    left = looked_at.left_to_see(case, by=by, leave=rests_on)
    if not left:
        return None
    fault = Unseen(left, by=by.pk)
    numbers = [*fault.numbers("match"), *(match.pk for match in rests_on)]
    following = (
        reverse("staff:look", args=[case.code, numbers[0]]) if numbers else reverse("staff:case", args=[case.code])
    )
    return Looking(_left(fault), following)


def refused(fault: Unseen) -> str:
    return _("Nothing was changed: you have not looked at everything that it rests on.") + " " + _left(fault)


def _left(fault: Unseen) -> str:
    photos, pictures = len(fault.numbers("photo")), len(fault.numbers("match"))
    parts = []
    if photos:
        parts.append(_("Not looked at yet: the subject’s photo."))
    if pictures:
        told = ngettext("%(images)s image is not looked at yet.", "%(images)s images are not looked at yet.", pictures)
        parts.append(told % {"images": pictures})
    return " ".join(parts)
