"""Each legal move of a notice is made by the verb that people or workers use; every other is refused.

The moves are written out here, so that a change of the table in `portal.notices.states` must be meant.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from pytest_django import Settings

from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.core import clock
from portal.core.faults import IllegalMove, Stale
from portal.jobs.models import Job
from portal.jobs.run import NotYet
from portal.notices import actions, moves, queries, work, writing
from portal.notices.models import Channel, Item, Notice, Recipient, SettledBecause
from portal.notices.states import MOVES, NoticeState
from portal.policies import notices as policy
from tests.builders import make_account
from tests.notices.build import listening, reached, shown_image

pytestmark = pytest.mark.django_db
Verb = Callable[[Notice], None]
S = NoticeState


@pytest.fixture(autouse=True)
def surroundings(settings: Settings) -> None:
    settings.PRIVATE_HOSTS = {"127.0.0.1"}
    settings.NOTICE_WINDOW = timedelta(hours=1)


def notice_in(state: NoticeState) -> Notice:
    """A notice that came into its state as it does in life."""
    writing.tell([shown_image("acme")])
    notice = Notice.objects.get()
    for verb in _WAY[state]:
        verb(notice)
        notice.refresh_from_db()
    assert notice.state == state
    return notice


def close(notice: Notice) -> None:
    """The window is over; the recipient's server is down for a while."""
    clock.move(timedelta(hours=2))
    with listening() as hook, suppress(NotYet):
        hook.status = 503
        _reach(hook.url)
        work.send(str(notice.pk))


def deliver(notice: Notice) -> None:
    with listening() as hook:
        _reach(hook.url)
        work.send(str(notice.pk))


def deliver_to_one_who_acknowledges(notice: Notice) -> None:
    with listening() as hook:
        hook.acknowledges = True
        _reach(hook.url)
        work.send(str(notice.pk))


def deliver_to_nobody(notice: Notice) -> None:
    """The recipient's server says that it is gone for good."""
    with listening() as hook:
        hook.status = 410
        _reach(hook.url)
        work.send(str(notice.pk))


def chase(notice: Notice) -> None:
    clock.move(policy.ACKNOWLEDGE_WITHIN + timedelta(days=1))
    work.chase(str(notice.pk))


def acknowledge(notice: Notice) -> None:
    actions.acknowledge(notice)


def retry(notice: Notice) -> None:
    actions.retry(notice, by=_staff("sam"))


def settle(notice: Notice) -> None:
    queries.text(notice, _staff("sam"))
    actions.settle(notice, by=_staff("sam"), because=SettledBecause.GONE)


def leave_out(notice: Notice) -> None:
    """A legal hold takes its only image out."""
    writing.withdraw(_images(notice))


def _images(notice: Notice) -> list[UUID]:
    return list(Item.objects.filter(notice=notice).values_list("image_id", flat=True))


def _reach(url: str) -> Recipient:
    return reached("acme", Channel.WEBHOOK, url, by=(_staff("sam"), _staff("lee")))


def _staff(name: str) -> User:
    return make_account(name)


_WAY: dict[NoticeState, tuple[Verb, ...]] = {
    S.COLLECTING: (),
    S.DUE: (close,),
    S.SENT: (close, deliver),
    S.ACKNOWLEDGED: (close, deliver, acknowledge),
    S.STUCK: (close, deliver_to_nobody),
    S.SETTLED: (close, deliver_to_nobody, settle),
    S.WITHDRAWN: (leave_out,),
}
# What each verb makes of a notice in each state; in a state that is not named here it moves nothing.
MADE: dict[Verb, dict[NoticeState, NoticeState]] = {
    close: {S.COLLECTING: S.DUE},
    deliver: {S.DUE: S.SENT},
    deliver_to_one_who_acknowledges: {S.DUE: S.ACKNOWLEDGED},
    deliver_to_nobody: {S.DUE: S.STUCK},
    chase: {S.SENT: S.STUCK},
    acknowledge: dict.fromkeys((S.DUE, S.SENT, S.STUCK), S.ACKNOWLEDGED),
    retry: {S.STUCK: S.DUE},
    settle: {S.STUCK: S.SETTLED},
    leave_out: dict.fromkeys((S.COLLECTING, S.DUE, S.STUCK), S.WITHDRAWN),
}
LEGAL = {pair for made in MADE.values() for pair in made.items()}
ENDED = (S.ACKNOWLEDGED, S.SETTLED, S.WITHDRAWN)


@pytest.mark.parametrize("was", NoticeState)
@pytest.mark.parametrize("verb", MADE)
def test_each_verb_makes_its_moves_and_no_other(verb: Verb, was: NoticeState) -> None:
    notice = notice_in(was)
    before = len(_trail(notice))
    to = MADE[verb].get(was, was)
    if to == was:
        with suppress(IllegalMove, NotYet):
            verb(notice)
    else:
        verb(notice)
    assert Notice.objects.get(pk=notice.pk).state == to
    assert _trail(notice)[before:] == list(pairwise([was, to] if to != was else [was]))
    assert Job.objects.filter(kind="notice.forget").exists() == (to in ENDED)


def _trail(notice: Notice) -> list[tuple[str, str]]:
    entries = Entry.objects.filter(tag=Tag.NOTICE_MOVED, about=str(notice.pk)).order_by("pk")
    return [(entry.detail["was"], entry.detail["to"]) for entry in entries]


def test_the_table_allows_what_a_verb_makes_and_no_more() -> None:
    assert {(NoticeState(was), NoticeState(to)) for was, every in MOVES.items() for to in every} == LEGAL


@pytest.mark.parametrize("was", NoticeState)
def test_every_other_move_is_refused_and_leaves_the_notice(was: NoticeState) -> None:
    notice = notice_in(was)
    for to in NoticeState:
        if (was, to) not in LEGAL:
            with pytest.raises(IllegalMove):
                moves.move(notice, to)
            assert Notice.objects.get(pk=notice.pk).state == was


def test_whoever_comes_second_moves_nothing() -> None:
    notice = notice_in(S.SENT)
    late = Notice.objects.get()
    moves.move(notice, NoticeState.ACKNOWLEDGED)
    with pytest.raises(Stale):
        moves.move(late, NoticeState.STUCK)
