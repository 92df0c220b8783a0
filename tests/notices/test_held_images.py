"""What is held is in no notice that is sent meanwhile; after release its recipients are told all the same."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from pytest_django import Settings

from matching.types import Store
from portal.accounts.models import User
from portal.core import clock, keys
from portal.jobs import kinds
from portal.notices import actions, writing
from portal.notices.models import Channel, Item, Notice
from portal.notices.states import NoticeState
from portal.takedowns import connectors, holds
from portal.takedowns.connectors.base import Connector, Erasure, StoreError
from portal.takedowns.connectors.local import LocalStore
from portal.takedowns.models import Hold, HoldReason, ReleasedBecause, Takedown
from portal.takedowns.removals import open_removal
from portal.takedowns.states import TakedownState
from tests.builders import look_at_hold
from tests.notices.build import Hook, listening, reached, shown_image

pytestmark = pytest.mark.django_db(transaction=True)
Drain = Callable[[], int]
WINDOW = timedelta(hours=24)


@pytest.fixture(autouse=True)
def surroundings(settings: Settings) -> Iterator[None]:
    settings.PRIVATE_HOSTS = {"127.0.0.1"}
    settings.NOTICE_WINDOW = WINDOW
    kinds.register({"test.over": lambda _subject: None})
    yield
    kinds.forget("test.over")


@pytest.fixture
def hook(sam: User, lee: User) -> Iterator[Hook]:
    with listening() as server:
        reached("acme", Channel.WEBHOOK, server.url, by=(sam, lee))
        yield server


class Away(LocalStore):
    """The image store, after the recipients were told and before the index: away until it is mended."""

    is_away = True

    def remove_many(self, erasures: Sequence[Erasure]) -> None:
        if Away.is_away:
            raise StoreError("away", permanent=False)
        super().remove_many(erasures)


@pytest.fixture(autouse=True)
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Away, "is_away", True)
    every: dict[str, Connector] = {**connectors.ALL, "images": Away(Store.IMAGES)}
    monkeypatch.setattr(connectors, "ALL", every)


def told_and_not_gone(drain: Drain) -> UUID:
    image = shown_image("acme")
    open_removal(uuid4(), [image], job_when_removed="test.over", job_when_purged="test.over")
    drain()
    assert Item.objects.filter(image_id=image).exists()
    return image


def place(image: UUID, sam: User, lee: User) -> Hold:
    hold = holds.propose([image], HoldReason.LITIGATION, by=sam)
    look_at_hold(hold, hold.proposed_by, lee)
    holds.confirm(hold, by=lee)
    return hold


def release(hold: Hold, sam: User, lee: User) -> None:
    holds.propose_release(hold, ReleasedBecause.ENDED, by=sam)
    holds.confirm_release(hold, by=lee)


def ids(hook: Hook) -> list[str]:
    return [one["id"] for one in hook.content["images"]]


def later(drain: Drain) -> None:
    clock.move(WINDOW + timedelta(hours=1))
    drain()


def test_it_is_not_sent_while_it_is_held_and_is_after_release(hook: Hook, drain: Drain, sam: User, lee: User) -> None:
    image, other = told_and_not_gone(drain), told_and_not_gone(drain)
    hold = place(image, sam, lee)
    later(drain)
    assert ids(hook) == [str(other)]
    Away.is_away = False
    release(hold, sam, lee)
    clock.move(timedelta(hours=2))
    drain()
    later(drain)
    assert ids(hook) == [str(image)]
    assert hook.content["images"][0]["page"]
    assert set(Takedown.objects.values_list("state", flat=True)) <= {TakedownState.REMOVED, TakedownState.PURGED}


def test_a_notice_of_which_nothing_is_left_is_withdrawn_with_its_key(
    hook: Hook, drain: Drain, sam: User, lee: User
) -> None:
    image = told_and_not_gone(drain)
    notice = Notice.objects.get()
    place(image, sam, lee)
    later(drain)
    notice.refresh_from_db()
    assert notice.state == NoticeState.WITHDRAWN
    assert not keys.exists(notice.pk)
    assert hook.received == []


def test_it_is_taken_out_of_a_notice_that_was_closed_and_did_not_arrive(
    hook: Hook, drain: Drain, sam: User, lee: User
) -> None:
    image, other = told_and_not_gone(drain), told_and_not_gone(drain)
    hook.status = 503
    later(drain)
    before = hook.content
    assert len(before["images"]) == 2
    place(image, sam, lee)
    hook.status = 200
    clock.move(timedelta(hours=2))
    drain()
    assert ids(hook) == [str(other)]
    assert {**hook.content, "images": []} == {**before, "images": []}
    assert Notice.objects.get().state == NoticeState.SENT


def test_it_is_taken_out_of_a_notice_that_waits_for_a_person(drain: Drain, sam: User, lee: User) -> None:
    image, other = told_and_not_gone(drain), told_and_not_gone(drain)
    later(drain)
    assert Notice.objects.get().last_error == "no channel"
    place(image, sam, lee)
    with listening() as server:
        reached("acme", Channel.WEBHOOK, server.url, by=(sam, lee))
        drain()
        assert ids(server) == [str(other)]


def test_what_was_sent_is_not_called_back_nor_told_twice(hook: Hook, drain: Drain, sam: User, lee: User) -> None:
    image = told_and_not_gone(drain)
    later(drain)
    assert ids(hook) == [str(image)]
    hold = place(image, sam, lee)
    Away.is_away = False
    release(hold, sam, lee)
    drain()
    later(drain)
    assert len(hook.received) == 1


def test_a_full_notice_is_sent_and_the_next_one_begun(
    hook: Hook, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MOST", 3)
    images = [shown_image("acme") for _ in range(8)]
    writing.tell(images[:2])
    writing.tell(images[2:])
    drain()
    assert sorted(len(notice.items.all()) for notice in Notice.objects.all()) == [2, 3, 3]
    assert len(hook.received) == 2
    assert writing.untold(images) == frozenset()
    later(drain)
    assert len(hook.received) == 3
    sent = {image["id"] for _headers, body in hook.received for image in json.loads(body)["images"]}
    assert sent == set(map(str, images))


def test_a_notice_withdrawn_while_it_is_acknowledged_is_no_error(drain: Drain, sam: User) -> None:
    image = told_and_not_gone(drain)
    holds.propose([image], HoldReason.LITIGATION, by=sam)
    actions.acknowledge(Notice.objects.get())
    assert Notice.objects.get().state == NoticeState.WITHDRAWN
