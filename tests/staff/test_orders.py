"""The pages of orders: recorded, confirmed by a second person, watched, paused."""

from datetime import date
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from matching import service
from matching.types import Scope
from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.orders import actions, queries
from portal.orders.models import Order
from portal.orders.states import State
from portal.orders.work import open_removals
from portal.takedowns import moves
from portal.takedowns.models import Removal
from portal.takedowns.states import TakedownState
from tests.builders import indexed_image, look_at_order
from tests.statistics.build import released

pytestmark = pytest.mark.django_db
NEW = "/en/staff/orders/new/"
WHO = {"authority": "Commissioner <b>of</b> Privacy", "reference": "2026-1"}


def page_of(order: Order, verb: str = "") -> str:
    return reverse(f"staff:order{verb}", args=[order.code])


@pytest.fixture
def order(sam: User) -> Order:
    indexed_image()
    scope = Scope(site="photos.example")
    return actions.propose_scope(scope, by=sam, authority="A regulator", reference="ORDER-7")


def listed(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("list.csv", text.encode(), "text/csv")


def test_staff_record_an_order_by_scope(sam_client: Client) -> None:
    indexed_image()
    given = {**WHO, "site": " Photos.example ", "country": "", "harvested_until": "2026-12-31"}
    answer = sam_client.post(NEW, given, follow=True)
    order = Order.objects.get()
    assert order.scope == Scope(site="photos.example", harvested_until=date(2026, 12, 31))
    assert order.images == 1
    assert "waits for a second person" in answer.content.decode()
    assert "Commissioner &lt;b&gt;of" in answer.content.decode()


def test_staff_record_an_order_by_list(sam_client: Client) -> None:
    image, gone = indexed_image(), uuid4()
    page = service.provenance_of([image])[image].page
    sam_client.post(NEW, {**WHO, "file": listed(f"image,note\n{gone},x\n{page},y\n{image}\n")})
    listed_images = set(Order.objects.get().listed.values_list("image_id", flat=True))
    assert listed_images == {image, gone}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "one of the two"),
        ({"site": "a.example", "file": "https://a.example/1"}, "one of the two"),
        ({"country": "Canada"}, "two letters"),
        ({"harvested_from": "2026-03-02", "harvested_until": "2026-03-01"}, "The last day is before the first"),
        ({"harvested_from": "soon"}, "year-month-day"),
        ({"file": "image\n"}, "names no image"),
        ({"file": "image\nhttps://a.example/1\nnonsense\n"}, "Line 3 is neither"),
        ({"site": "a.example", "authority": ""}, "Enter who demands it"),
    ],
)
def test_what_cannot_be_an_order_is_said_in_a_sentence(sam_client: Client, given: dict[str, str], said: str) -> None:
    form: dict[str, object] = {**WHO, **given}
    if "file" in given:
        form["file"] = listed(given["file"])
    answer = sam_client.post(NEW, form)
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not Order.objects.exists()


def test_only_a_colleague_can_confirm(order: Order, lee: User, sam_client: Client, lee_client: Client) -> None:
    assert "Take back" in sam_client.get(page_of(order)).content.decode()
    refused = sam_client.post(page_of(order, "-confirm"), follow=True)
    assert "needs another person" in refused.content.decode()
    assert order.reference in lee_client.get("/en/staff/").content.decode()
    lee_client.post(page_of(order, "-confirm"))
    order.refresh_from_db()
    assert order.state == State.PROPOSED
    look_at_order(order, order.made_by, lee)
    lee_client.post(page_of(order, "-confirm"))
    order.refresh_from_db()
    assert order.state == State.OPENING
    late = lee_client.post(page_of(order, "-decline"), follow=True)
    assert "was quicker" in late.content.decode()


def test_each_view_of_an_order_is_in_the_trail(order: Order, sam: User, sam_client: Client) -> None:
    sam_client.get(page_of(order))
    assert [entry.actor for entry in Entry.objects.filter(tag=Tag.ORDER_VIEWED)] == [sam.pk]


def test_a_running_order_is_watched_paused_and_resumed(order: Order, lee: User, sam_client: Client) -> None:
    look_at_order(order, order.made_by, lee)
    actions.confirm(order, by=lee)
    page = sam_client.get(page_of(order)).content.decode()
    assert 'http-equiv="refresh"' not in page
    assert "not known yet" in page
    assert 'http-equiv="refresh"' in sam_client.get(f"{page_of(order)}?follow").content.decode()
    sam_client.post(page_of(order, "-pause"))
    assert "Resume" in sam_client.get(page_of(order)).content.decode()
    sam_client.post(page_of(order, "-resume"))
    order.refresh_from_db()
    assert not order.paused


def test_it_shows_what_was_removed_and_what_is_stuck(order: Order, lee: User, sam_client: Client) -> None:
    look_at_order(order, order.made_by, lee)
    actions.confirm(order, by=lee)
    open_removals(str(order.code))
    removal = Removal.objects.get()
    takedown = removal.takedowns.get()
    for state in (TakedownState.HIDDEN, TakedownState.REMOVING, TakedownState.STUCK):
        moves.move_takedown(takedown, state)
    page = sam_client.get(page_of(order)).content.decode()
    assert "0 of 1 removed and read back" in page
    assert "a store keeps failing" in page
    assert queries.progress(order, by=lee).stuck == 1


@pytest.mark.django_db(transaction=True, databases=["default", "regulator"])
def test_regulators_see_orders_as_counts(order: Order, lee: User, rita_client: Client) -> None:
    assert released().orders == 0
    look_at_order(order, order.made_by, lee)
    actions.confirm(order, by=lee)
    shown = released()
    assert (shown.orders, shown.orders_open, shown.images_deleted_by_order) == (1, 1, 0)
    page = rita_client.get("/en/regulator/").content.decode()
    assert "orders confirmed" in page
    assert order.reference not in page
