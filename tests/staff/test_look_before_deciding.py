"""The pages on which staff look at what a legal hold keeps, and at what a notice says, before they decide on it."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import Settings

from matching import service
from matching.types import Store
from portal.accounts.models import User
from portal.audit.seen import Unseen
from portal.notices.models import Notice
from portal.notices.states import NoticeState
from portal.policies import looking
from portal.takedowns import held_pictures, holds
from portal.takedowns.models import Hold, HoldReason, ReleasedBecause
from portal.takedowns.removals import open_removal
from portal.takedowns.states import HoldState
from tests.builders import indexed_image, look_at_hold, make_account, place_hold
from tests.notices.build import shown_image

pytestmark = pytest.mark.django_db(transaction=True)
HOLDS = "/en/staff/holds/"


@pytest.fixture
def hold(sam: User) -> Hold:
    return holds.propose([indexed_image(), indexed_image()], HoldReason.LITIGATION, by=sam)


def state(hold: Hold) -> str:
    return Hold.objects.get(pk=hold.pk).state


@pytest.mark.parametrize(("verb", "outcome"), [("confirm", HoldState.PLACED), ("decline", HoldState.DECLINED)])
def test_whoever_decides_on_a_hold_has_looked_at_its_pictures(
    hold: Hold, sam: User, lee_client: Client, verb: str, outcome: str
) -> None:
    look_at_hold(hold, sam)
    refused = lee_client.post(f"{HOLDS}{hold.pk}/{verb}/", follow=True).content.decode()
    assert "look at its pictures first" in refused
    assert "(2 not looked at)" in refused
    assert state(hold) == HoldState.PROPOSED
    assert "2 images are not looked at yet" in lee_client.get(f"{HOLDS}{hold.pk}/").content.decode()
    for image in hold.images.all():
        shown = lee_client.get(f"{HOLDS}{hold.pk}/images/{image.image_id}/")
        assert shown["Content-Type"] == "image/jpeg"
    lee_client.post(f"{HOLDS}{hold.pk}/{verb}/")
    assert state(hold) == outcome


def test_a_hold_stands_only_once_its_proposer_has_looked(hold: Hold, sam: User, lee: User, lee_client: Client) -> None:
    look_at_hold(hold, lee)
    refused = lee_client.post(f"{HOLDS}{hold.pk}/confirm/", follow=True).content.decode()
    assert "the colleague who proposed it has not looked" in refused
    assert state(hold) == HoldState.PROPOSED
    look_at_hold(hold, sam)
    holds.confirm(hold, by=lee)


def test_of_what_has_no_picture_the_source_is_shown_instead(hold: Hold, lee: User, lee_client: Client) -> None:
    for image in hold.images.all():
        service.erase(image.image_id, Store.DERIVED)
    page = lee_client.get(f"{HOLDS}{hold.pk}/").content.decode()
    assert page.count("nothing can be shown") == 2
    assert page.count("photos.example") == 2
    assert not holds.left_to_see(hold, lee)


def test_of_many_a_sample_is_looked_at_that_nobody_chose(sam: User, lee: User) -> None:
    hold = holds.propose([indexed_image() for _ in range(looking.SAMPLE + 3)], HoldReason.LITIGATION, by=sam)
    drawn = holds.to_look_at(hold)
    assert len(drawn) == looking.SAMPLE
    assert drawn == holds.to_look_at(hold)
    other = hold.images.exclude(image_id__in=drawn)[0].image_id
    assert held_pictures.picture(hold, other, lee) is None


def test_once_placed_its_pictures_are_shown_to_the_two_alone(sam: User, lee: User, client: Client) -> None:
    placed = place_hold([indexed_image()], sam, lee)
    image = placed.images.get().image_id
    kim = make_account("kim")
    client.force_login(kim)
    for page in (f"{HOLDS}{placed.pk}/", f"{HOLDS}{placed.pk}/images/{image}/"):
        assert client.get(page).status_code == 404
    holds.propose_release(placed, ReleasedBecause.MISTAKEN, by=sam)


def test_a_notice_is_read_before_it_is_settled(
    sam_client: Client, drain: Callable[[], int], settings: Settings
) -> None:
    settings.NOTICE_WINDOW = timedelta(0)
    open_removal(uuid4(), [shown_image("acme")], job_when_removed="hold.over", job_when_purged="hold.over")
    drain()
    notice = Notice.objects.get()
    assert notice.state == NoticeState.STUCK
    settle = f"/en/staff/notices/{notice.pk}/settle/"
    assert settle not in sam_client.get("/en/staff/recipients/").content.decode()
    refused = sam_client.post(settle, {"because": "gone"}, follow=True)
    assert "read the notice before you settle it" in refused.content.decode()
    assert Notice.objects.get().state == NoticeState.STUCK
    page = sam_client.get(f"/en/staff/notices/{notice.pk}/").content.decode()
    assert "photos.example" in page
    assert "Delete every copy" in page
    assert "acknowledge/" not in page
    sam_client.post(settle, {"because": "gone"})
    assert Notice.objects.get().state == NoticeState.SETTLED


def test_one_cannot_release_what_one_has_not_looked_at(sam: User, lee: User) -> None:
    placed = place_hold([indexed_image()], sam, lee)
    Hold.objects.filter(pk=placed.pk).update(confirmed_by=make_account("pat"))
    placed.refresh_from_db()
    assert placed.confirmed_by is not None
    with pytest.raises(Unseen):
        holds.propose_release(placed, ReleasedBecause.ENDED, by=placed.confirmed_by)
