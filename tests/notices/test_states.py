"""Every pair of a notice's states, allowed and refused."""

import pytest

from portal.core import clock
from portal.core.faults import IllegalMove, Stale
from portal.jobs.models import Job
from portal.notices import moves
from portal.notices.models import Notice, Recipient
from portal.notices.states import ENDED, MOVES, NoticeState

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("was", NoticeState)
@pytest.mark.parametrize("to", NoticeState)
def test_every_pair_of_states(was: NoticeState, to: NoticeState) -> None:
    now = clock.now()
    recipient = Recipient.objects.create(code="acme")
    notice = Notice.objects.create(recipient=recipient, opened_at=now, closes_at=now, state=was)
    if to in MOVES[was]:
        moves.move(notice, to)
        notice.refresh_from_db()
        assert notice.state == to
        assert Job.objects.filter(kind="notice.forget").exists() == (to in ENDED)
    else:
        with pytest.raises(IllegalMove):
            moves.move(notice, to)


def test_whoever_comes_second_moves_nothing() -> None:
    now = clock.now()
    recipient = Recipient.objects.create(code="acme")
    notice = Notice.objects.create(recipient=recipient, opened_at=now, closes_at=now, state=NoticeState.SENT)
    late = Notice.objects.get()
    moves.move(notice, NoticeState.ACKNOWLEDGED)
    with pytest.raises(Stale):
        moves.move(late, NoticeState.STUCK)
