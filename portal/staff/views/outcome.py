"""Carrying out a verb and saying how it went."""

from collections.abc import Callable
from typing import TypeVar

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from portal.audit.seen import Unseen
from portal.core.faults import NotAllowed, Stale
from portal.staff import looking

T = TypeVar("T")


def carry_out(request: HttpRequest, verb: Callable[[], T], *, done: str, stale: str = "") -> T | None:
    """What the verb returned; None, with the reason said on the next page, when the rules or a colleague forbade it.

    `stale`: what to say instead when the case had moved on.
    """
    try:
        result = verb()
    except Stale:
        quicker = _("Nothing was changed: a colleague or the system was quicker. Look at it again.")
        messages.warning(request, stale or quicker)
        return None
    except Unseen as fault:
        messages.warning(request, looking.refused(fault))
        return None
    except NotAllowed:
        messages.warning(request, _("Nothing was changed: this needs another person, or better proof."))
        return None
    messages.success(request, done)
    return result
