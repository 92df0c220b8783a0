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
    # Nothing is left in it that its recipient is to be told now.
    WITHDRAWN = "withdrawn", _("Withdrawn before it was sent")


MOVES: dict[str, frozenset[str]] = {
    NoticeState.COLLECTING: frozenset({NoticeState.DUE, NoticeState.WITHDRAWN}),
    # An acknowledgement may overtake the record that the notice was delivered.
    NoticeState.DUE: frozenset({NoticeState.SENT, NoticeState.STUCK, NoticeState.ACKNOWLEDGED, NoticeState.WITHDRAWN}),
    NoticeState.SENT: frozenset({NoticeState.ACKNOWLEDGED, NoticeState.STUCK}),
    NoticeState.STUCK: frozenset(
        {NoticeState.DUE, NoticeState.ACKNOWLEDGED, NoticeState.SETTLED, NoticeState.WITHDRAWN}
    ),
    NoticeState.ACKNOWLEDGED: frozenset(),
    NoticeState.SETTLED: frozenset(),
    NoticeState.WITHDRAWN: frozenset(),
}
ENDED = (NoticeState.ACKNOWLEDGED, NoticeState.SETTLED, NoticeState.WITHDRAWN)
# Its content leaves us yet, or once more.
TO_BE_SENT = (NoticeState.COLLECTING, NoticeState.DUE, NoticeState.STUCK)
