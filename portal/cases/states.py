"""The states of a case and its legal moves (docs/architecture.md, States)."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    DRAFT = "draft", _("Draft")
    RECEIVED = "received", _("Received")
    SEARCHING = "searching", _("Searching")
    WAITING = "waiting", _("Waiting for the subject")
    REVIEW = "review", _("In review")
    ERASING = "erasing", _("Erasing")
    SETTLED = "settled", _("Settled")
    CLOSED = "closed", _("Closed")
    REFUSED = "refused", _("Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    EXPIRED = "expired", _("Expired")


MOVES: dict[str, frozenset[str]] = {
    State.DRAFT: frozenset({State.RECEIVED, State.WITHDRAWN, State.EXPIRED}),
    State.RECEIVED: frozenset({State.SEARCHING, State.WAITING, State.WITHDRAWN}),
    State.WAITING: frozenset({State.RECEIVED, State.WITHDRAWN, State.EXPIRED}),
    State.SEARCHING: frozenset({State.REVIEW, State.SETTLED, State.WITHDRAWN}),
    State.REVIEW: frozenset({State.ERASING, State.REFUSED, State.WITHDRAWN}),
    # Back to review when the last sweep finds faces harvested meanwhile.
    State.ERASING: frozenset({State.SETTLED, State.REVIEW}),
    State.SETTLED: frozenset({State.CLOSED}),
    State.REFUSED: frozenset({State.CLOSED}),
    State.WITHDRAWN: frozenset({State.CLOSED}),
    State.EXPIRED: frozenset(),
    State.CLOSED: frozenset(),
}

# Work goes on in these; a statutory clock runs.
OPEN = (State.RECEIVED, State.SEARCHING, State.WAITING, State.REVIEW, State.ERASING)
# Decided, one way or another; what remains is to announce, purge and forget.
ENDED = (State.SETTLED, State.REFUSED, State.WITHDRAWN)
