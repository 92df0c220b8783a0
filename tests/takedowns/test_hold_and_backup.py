"""A database from before a hold learns of it again from the journal, which names nobody."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from matching.erasure import tombstones
from matching.models import TombstoneMark
from matching.types import ReplayOutcome
from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.core import clock
from portal.jobs import queue
from portal.operations import tasks
from portal.takedowns import holds
from portal.takedowns.models import Hold, ReleasedBecause, Removal, Takedown
from portal.takedowns.states import HoldState, RemovalState, TakedownState
from tests.builders import indexed_image
from tests.takedowns.build import is_whole, let_go, place, remove

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("over_kind")]
Drain = Callable[[], int]


def forgotten(hold: Hold) -> str:
    """As a database from before the hold is; returns what the journal tells of it."""
    said = holds._said(hold)
    Takedown.objects.update(state=TakedownState.HIDDEN)
    hold.images.all().delete()
    Hold.objects.filter(pk=hold.pk).delete()
    return said


def test_a_backup_from_before_a_hold_is_told_of_it_and_deletes_nothing(sam: User, lee: User, drain: Drain) -> None:
    image = indexed_image()
    removal = remove(image)
    hold = place(image, sam, lee)
    said = forgotten(hold)
    assert holds.replay_note(hold.pk, said) == ReplayOutcome.DONE
    assert holds.replay_note(hold.pk, said) == ReplayOutcome.ALREADY_DONE
    drain()
    assert is_whole(image)
    assert list(Takedown.objects.values_list("removal", "state")) == [(removal, TakedownState.HELD)]
    back = Hold.objects.get()
    assert (back.state, back.proposed_by, back.confirmed_by) == (HoldState.PLACED, sam, lee)
    assert Entry.objects.filter(about=str(hold.pk), tag=Tag.HOLD_BROUGHT_BACK).count() == 1
    let_go(hold, sam, lee)
    drain()
    assert not is_whole(image)


def test_a_worker_that_meets_a_restored_database_first_learns_of_its_holds(
    sam: User, lee: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Restored by hand: nobody ran the command, and the job that removes the image is due."""
    monkeypatch.setattr(tombstones, "MOMENT", 0.0)
    image = indexed_image()
    removal = remove(image)
    hold = place(image, sam, lee)
    forgotten(hold)
    Removal.objects.update(state=RemovalState.HIDDEN)
    TombstoneMark.objects.update(bytes_seen=0)
    queue.enqueue("removal.remove", removal)
    tasks.drain()
    assert is_whole(image)
    assert Hold.objects.get().state == HoldState.PLACED


def test_a_hold_that_was_released_since_the_backup_lets_go_again(sam: User, lee: User, drain: Drain) -> None:
    image = indexed_image()
    remove(image)
    hold = place(image, sam, lee)
    holds.propose_release(hold, ReleasedBecause.ENDED, by=sam)
    said = holds._said(Hold.objects.get()).replace('"state":"releasing"', '"state":"released"')
    holds.decline_release(hold, by=sam)
    assert holds.replay_note(hold.pk, said) == ReplayOutcome.DONE
    drain()
    assert not is_whole(image)


def test_an_account_that_got_the_number_of_a_lost_one_holds_nothing(sam: User, lee: User) -> None:
    image = indexed_image()
    hold = place(image, sam, lee)
    said = forgotten(hold)
    User.objects.filter(pk=lee.pk).update(created_at=clock.now() + timedelta(minutes=1))
    assert holds.replay_note(hold.pk, said) == ReplayOutcome.DONE
    back = Hold.objects.get()
    assert back.state == HoldState.PLACED
    assert back.confirmed_by is not None
    assert (back.confirmed_by.pk == lee.pk, back.confirmed_by.is_active) == (False, False)
    assert not holds.is_holder(back, lee)
    assert holds.of_lost_accounts() == 1


def test_what_is_noted_of_a_hold_names_nobody(sam: User, lee: User) -> None:
    said = holds._said(place(indexed_image(), sam, lee))
    assert "sam" not in said
    assert "lee" not in said
