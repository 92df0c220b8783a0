"""Two senior people decide an order, each having seen how its images spread and a sample that the system drew."""

import pytest
from django.test import Client
from django.urls import reverse

from matching.types import Scope
from portal.accounts.models import User
from portal.audit.seen import Unseen
from portal.core.faults import NotAllowed
from portal.orders import actions, looked_at
from portal.orders.models import Order
from portal.orders.states import State
from portal.policies import budgets, looking
from tests.builders import indexed_image, look_at_order, make_account, signed_in

pytestmark = pytest.mark.django_db
SITE = Scope(site="photos.example")


def propose(by: User, scope: Scope = SITE) -> Order:
    return actions.propose_scope(scope, by=by, authority="A regulator", reference="ORDER-7")


@pytest.fixture
def order(sam: User) -> Order:
    for _ in range(3):
        indexed_image()
    return propose(sam)


def page_of(order: Order, name: str = "order") -> str:
    return reverse(f"staff:{name}", args=[order.code])


def test_it_is_confirmed_once_both_have_looked(order: Order, sam: User, lee: User) -> None:
    with pytest.raises(Unseen):
        actions.confirm(order, by=lee)
    look_at_order(order, lee)
    with pytest.raises(Unseen) as caught:
        actions.confirm(order, by=lee)
    assert caught.value.by == sam.pk
    look_at_order(order, sam)
    actions.confirm(order, by=lee)
    order.refresh_from_db()
    assert order.state == State.OPENING


def test_the_breakdown_alone_or_the_sample_alone_is_not_enough(order: Order, sam: User, lee: User) -> None:
    look_at_order(order, sam)
    looked_at.breakdown(order, lee)
    with pytest.raises(Unseen) as caught:
        actions.confirm(order, by=lee)
    assert len(caught.value.what) == 3
    for sampled in order.sampled.all():
        looked_at.picture(order, sampled.image_id, lee)
    actions.confirm(order, by=lee)


def test_only_senior_people_record_and_confirm(order: Order, sam: User) -> None:
    kim = make_account("kim", senior=False)
    look_at_order(order, sam, kim)
    with pytest.raises(NotAllowed):
        actions.confirm(order, by=kim)
    with pytest.raises(NotAllowed):
        propose(kim)
    client = signed_in(kim)
    assert client.get("/en/staff/orders/new/").status_code == 404
    assert client.get(page_of(order, "order-breakdown")).status_code == 302


def test_the_sample_is_drawn_by_the_system_and_the_same_for_both(sam: User) -> None:
    images = {indexed_image() for _ in range(looking.SAMPLE + 4)}
    order = propose(sam)
    drawn = set(order.sampled.values_list("image_id", flat=True))
    assert len(drawn) == looking.SAMPLE
    assert drawn < images
    listed = actions.propose_list(sorted(images), by=sam, authority="A court", reference="8")
    assert listed.sampled.count() == looking.SAMPLE
    actions.take_back(listed, by=sam)
    assert not listed.sampled.exists()


def test_no_count_is_told_before_the_breakdown(order: Order, lee: User, lee_client: Client) -> None:
    for page in (page_of(order), "/en/staff/orders/"):
        assert "3 images" not in lee_client.get(page).content.decode()
    assert "told with the breakdown" in lee_client.get(page_of(order)).content.decode()
    picture = reverse("staff:order-image", args=[order.code, order.sampled.all()[0].image_id])
    assert lee_client.get(picture).status_code == 404
    spread = lee_client.get(page_of(order, "order-breakdown")).content.decode()
    assert "3 images in the index now" in spread
    assert "photos.example 3" in spread
    assert "3 pictures are not looked at yet" in spread
    for sampled in order.sampled.all():
        shown = lee_client.get(reverse("staff:order-image", args=[order.code, sampled.image_id]))
        assert shown["Content-Type"] == "image/jpeg"
    assert "You have looked at all" in lee_client.get(page_of(order, "order-breakdown")).content.decode()
    assert "If you confirm, 3 images" in lee_client.get(page_of(order)).content.decode()


def test_an_order_that_was_taken_back_tells_no_count(order: Order, sam: User, sam_client: Client) -> None:
    actions.take_back(order, by=sam)
    order.refresh_from_db()
    for page in (page_of(order), "/en/staff/orders/"):
        assert "3 images" not in sam_client.get(page).content.decode()
    assert sam_client.get(page_of(order, "order-breakdown")).status_code == 302


def test_only_a_sampled_image_is_shown(order: Order, lee: User) -> None:
    other = indexed_image()
    looked_at.breakdown(order, lee)
    assert looked_at.picture(order, other, lee) is None


def test_one_person_sees_only_so_many_orders_counted_in_a_day(sam: User, lee: User, lee_client: Client) -> None:
    first = propose(sam)
    for _ in range(budgets.ORDER_COUNTS.most):
        looked_at.breakdown(first, lee)  # the same one again is free
    for number in range(budgets.ORDER_COUNTS.most - 1):
        looked_at.breakdown(propose(sam, Scope(site=f"{number}.example")), lee)
    last = propose(sam, Scope(site="last.example"))
    with pytest.raises(looked_at.TooManyCounts):
        looked_at.breakdown(last, lee)
    told = lee_client.get(page_of(last, "order-breakdown"), follow=True).content.decode()
    assert "as many orders counted as one person may" in told
