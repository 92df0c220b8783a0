"""A hold is released by the two who placed it, not before the law lets it go, and each move is in the trail."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from matching import service
from matching.types import Store
from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.core import clock
from portal.core.faults import NotAllowed
from portal.policies import preservation
from portal.takedowns import holds
from portal.takedowns.models import Hold, HoldReason, ReleasedBecause
from portal.takedowns.states import HOLD_MOVES, HoldState
from tests.builders import indexed_image, make_account
from tests.takedowns.build import let_go, place

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("over_kind")]
Drain = Callable[[], int]


def test_child_abuse_material_is_kept_as_long_as_the_law_says(sam: User, lee: User, drain: Drain) -> None:
    image = indexed_image()
    hold = place(image, sam, lee, HoldReason.CHILD_ABUSE)
    with pytest.raises(NotAllowed):  # not reported yet
        holds.propose_release(hold, ReleasedBecause.ENDED, by=sam)
    holds.record_report(hold, under=preservation.CANADA.code, reported_on=clock.today(), by=sam)
    holds.record_report(hold, under=preservation.UNITED_STATES.code, reported_on=clock.today(), by=lee)
    for days, allowed in ((21, False), (200, False), (200, True)):
        clock.move(timedelta(days=days))
        if not allowed:
            with pytest.raises(NotAllowed):
                holds.propose_release(hold, ReleasedBecause.ENDED, by=sam)
    let_go(hold, sam, lee)
    drain()
    assert not service.present(image, Store.INDEX)


def test_only_the_two_release_it_and_not_one_of_them_alone(sam: User, lee: User) -> None:
    kim = make_account("kim")
    hold = place(indexed_image(), sam, lee)
    with pytest.raises(NotAllowed):
        holds.propose_release(hold, ReleasedBecause.ENDED, by=kim)
    holds.propose_release(hold, ReleasedBecause.ENDED, by=sam)
    for wrong in (sam, kim):
        with pytest.raises(NotAllowed):
            holds.confirm_release(hold, by=wrong)
    holds.decline_release(hold, by=lee)
    assert Hold.objects.get().state == HoldState.PLACED


def test_every_move_is_in_the_trail_by_whom(sam: User, lee: User) -> None:
    let_go(place(indexed_image(), sam, lee), sam, lee)
    told = Entry.objects.filter(tag__in=[Tag.HOLD_PROPOSED, Tag.HOLD_MOVED]).order_by("pk")
    assert [(entry.actor, entry.detail.get("to")) for entry in told] == [
        (sam.pk, None),
        (lee.pk, "placed"),
        (sam.pk, "releasing"),
        (lee.pk, "released"),
    ]


def test_every_pair_of_states(sam: User, lee: User) -> None:
    hold = Hold.objects.create(reason=HoldReason.LITIGATION, proposed_by=sam, confirmed_by=lee, proposed_at=clock.now())
    for was in HoldState:
        for to in HoldState:
            hold.state = was
            if to in HOLD_MOVES[was]:
                holds._move(hold, to, by=sam)
                assert Hold.objects.get().state == to
            else:
                with pytest.raises(NotAllowed):
                    holds._move(hold, to, by=sam)
