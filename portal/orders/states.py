"""The states of an order and its legal moves."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    PROPOSED = "proposed", _("Waits for a second person")
    DECLINED = "declined", _("Declined")
    TAKEN_BACK = "taken_back", _("Taken back")
    # Its images are being found, and a removal opened for each few hundred.
    OPENING = "opening", _("Finding images")
    REMOVING = "removing", _("Removing")
    REMOVED = "removed", _("Removed")
    CLOSED = "closed", _("Closed")


MOVES: dict[str, frozenset[str]] = {
    State.PROPOSED: frozenset({State.OPENING, State.DECLINED, State.TAKEN_BACK}),
    State.OPENING: frozenset({State.REMOVING}),
    # Back to opening for a last look at what was harvested meanwhile.
    State.REMOVING: frozenset({State.OPENING, State.REMOVED}),
    State.REMOVED: frozenset({State.CLOSED}),
    State.DECLINED: frozenset(),
    State.TAKEN_BACK: frozenset(),
    State.CLOSED: frozenset(),
}
# Confirmed, and not at its end: these can be paused.
RUNNING = (State.OPENING, State.REMOVING)
