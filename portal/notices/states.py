"""States and legal moves of a notice."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class NoticeState(models.TextChoices):
    # Images removed within one window go together, so that a notice does not say which of them show one person.
    COLLECTING = "collecting", _("Collecting")
    DUE = "due", _("To be sent")
    SENT = "sent", _("Sent, not yet acknowledged")
    ACKNOWLEDGED = "acknowledged", _("Acknowledged")
    # Waits for a person: no channel, never delivered, or never acknowledged.
    STUCK = "stuck", _("Waits for a person")
    # A person made sure in another way, and said how.
    SETTLED = "settled", _("Settled by a person")


MOVES: dict[str, frozenset[str]] = {
    NoticeState.COLLECTING: frozenset({NoticeState.DUE}),
    # An acknowledgement may overtake the record that the notice was delivered.
    NoticeState.DUE: frozenset({NoticeState.SENT, NoticeState.STUCK, NoticeState.ACKNOWLEDGED}),
    NoticeState.SENT: frozenset({NoticeState.ACKNOWLEDGED, NoticeState.STUCK}),
    NoticeState.STUCK: frozenset({NoticeState.DUE, NoticeState.ACKNOWLEDGED, NoticeState.SETTLED}),
    NoticeState.ACKNOWLEDGED: frozenset(),
    NoticeState.SETTLED: frozenset(),
}
ENDED = (NoticeState.ACKNOWLEDGED, NoticeState.SETTLED)
