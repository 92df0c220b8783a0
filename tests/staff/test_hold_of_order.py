"""A legal hold on images of an order, by their ids: they have no page of their own."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.test import Client
from pytest_django import Settings

from matching import service
from matching.types import Scope, Store
from portal.accounts.models import User
from portal.orders import actions
from portal.orders.models import Order
from portal.takedowns.models import HeldImage, Hold, Takedown
from portal.takedowns.states import TakedownState
from tests.builders import indexed_image, look_at_order

pytestmark = pytest.mark.django_db(transaction=True)
Drain = Callable[[], int]


@pytest.fixture
def images() -> list[UUID]:
    return sorted(indexed_image() for _ in range(3))


@pytest.fixture
def order(images: list[UUID], sam: User) -> Order:
    return actions.propose_scope(Scope(site="photos.example"), by=sam, authority="A regulator", reference="ORDER-7")


def page(order: Order) -> str:
    return f"/en/staff/orders/{order.code}/hold/"


def ask(client: Client, order: Order, *named: object, reason: str = "litigation") -> str:
    given = {"reason": reason, "images": "\r\n".join(map(str, named))}
    return client.post(page(order), given, follow=True).content.decode()


def held() -> list[UUID]:
    return sorted(HeldImage.objects.values_list("image_id", flat=True))


def test_what_is_named_is_hidden_and_stopped_and_the_rest_is_deleted(
    order: Order, images: list[UUID], sam_client: Client, lee: User, drain: Drain, settings: Settings
) -> None:
    settings.COOLING = timedelta(0)
    look_at_order(order, order.made_by, lee)
    actions.confirm(order, by=lee)
    told = ask(sam_client, order, images[0], images[0], images[1])
    assert "It is hidden, and nothing of it is deleted." in told
    assert held() == images[:2]
    drain()
    assert [service.present(image, Store.IMAGES) for image in images] == [True, True, False]
    states = dict(Takedown.objects.filter(removal__origin=order.code).values_list("image_id", "state"))
    assert states[images[0]] == states[images[1]] == TakedownState.HELD


def test_before_it_is_confirmed_as_well(order: Order, images: list[UUID], sam_client: Client) -> None:
    assert "Place a legal hold" in sam_client.get(f"/en/staff/orders/{order.code}/").content.decode()
    ask(sam_client, order, images[2])
    assert held() == images[2:]


def test_of_a_list_the_same(images: list[UUID], sam: User, sam_client: Client) -> None:
    order = actions.propose_list(images[:2], by=sam, authority="A court", reference="7")
    assert "1 of them is not of this order" in ask(sam_client, order, *images)
    ask(sam_client, order, *images[:2])
    assert held() == images[:2]


def test_images_of_no_order_are_not_held_by_this_way(order: Order, images: list[UUID], sam_client: Client) -> None:
    other = indexed_image(site="elsewhere.example")
    assert "2 of them are not of this order" in ask(sam_client, order, images[0], other, uuid4())
    assert not Hold.objects.exists()
    assert service.identifiers_of([other])


@pytest.mark.parametrize(
    ("named", "told"), [((), "Enter the ids of the images"), (("nonsense",), "Enter the ids of images, one on each")]
)
def test_what_names_no_image_is_refused(order: Order, sam_client: Client, named: tuple[str, ...], told: str) -> None:
    assert told in ask(sam_client, order, *named)
    assert "Choose a reason" in ask(sam_client, order, *named, reason="")
    assert not Hold.objects.exists()


def test_there_is_no_such_page_without_an_order_that_goes_on(order: Order, lee: User, sam_client: Client) -> None:
    assert sam_client.get(f"/en/staff/orders/{uuid4()}/hold/").status_code == 404
    actions.decline(order, by=lee)
    assert sam_client.get(page(order)).status_code == 404
