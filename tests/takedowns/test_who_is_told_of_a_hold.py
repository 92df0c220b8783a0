"""That an image is held is told to the two who hold it and to nobody else, not even by a figure."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from pytest_django import Settings

from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.cases import decisions, queries
from portal.cases.models import Case
from portal.orders import actions as orders
from portal.orders.queries import progress as order_progress
from portal.takedowns import moves
from portal.takedowns.models import Takedown
from portal.takedowns.states import TakedownState
from tests.builders import assign, indexed_image, look_at_order, make_account, session_of, signed_in
from tests.staff.build import look_at, numbers, reviewed, unlock
from tests.takedowns.build import let_go, place, remove

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("over_kind")]
Drain = Callable[[], int]


def test_it_is_shown_to_the_two_and_to_nobody_else(
    sam: User, lee: User, sam_client: Client, lee_client: Client
) -> None:
    kim = make_account("kim")
    kim_client = Client()
    kim_client.force_login(kim)
    case = reviewed(probable=1)
    match = case.matches.get()
    picture = f"/en/staff/cases/{case.code}/matches/{match.pk}/image/"
    page = f"/en/staff/cases/{case.code}/"
    drawn = ((sam, sam_client), (lee, lee_client), (kim, kim_client))
    for person, client in drawn:
        assign(case, person)
        look_at(client, case)
        assert client.get(picture).status_code == 200
    place(match.image_id, sam, lee)
    for person, client in drawn:
        assign(case, person)
        assert client.get(picture).status_code == (404 if person == kim else 200)
        assert ("photos.example" in client.get(page).content.decode()) == (person != kim)
    assert queries.evidence_match(match, kim) is None
    assert numbers(case, "probable") == [match.pk]


def approved(sam: User, drain: Drain, *states: TakedownState) -> Case:
    """A case with one image on its way out, as far as the last of these states."""
    case = reviewed(certain=1)
    look_at(signed_in(sam), case)
    decisions.approve(case, by=sam, matches=numbers(case, "certain"))
    if states:
        drain()
    for state in states[1:]:
        moves.move_takedown(Takedown.objects.get(), state)
    return case


STOPPED_IN = [
    ((), "hidden"),  # a hold hides it
    ((TakedownState.HIDDEN,), "hidden"),
    ((TakedownState.HIDDEN, TakedownState.REMOVING), "removing"),
    ((TakedownState.HIDDEN, TakedownState.REMOVING, TakedownState.STUCK), "stuck"),
]


@pytest.mark.parametrize(("states", "told"), STOPPED_IN)
def test_that_it_is_held_is_told_to_the_two_and_to_nobody_else(
    sam: User,
    lee: User,
    sam_client: Client,
    lee_client: Client,
    drain: Drain,
    settings: Settings,
    states: tuple[TakedownState, ...],
    told: str,
) -> None:
    settings.COOLING = timedelta(hours=24)
    kim = make_account("kim")
    kim_client = signed_in(kim)
    case = approved(sam, drain, *states)
    place(case.matches.get().image_id, sam, lee)
    for person, client, state in ((sam, sam_client, "held"), (lee, lee_client, "held"), (kim, kim_client, told)):
        unlock(client, assign(case, person))
        page = client.get(f"/en/staff/cases/{case.code}/").content.decode()
        assert f'data-takedown="{state}"' in page
        assert (">Held<" in page, "magenta" in page) == (state == "held", state == "held")
        # Elsewhere on the page as well: the card, the timeline, the figures.
        assert page.count("Held") == (2 if state == "held" else 0)
    assert ("Propose to restore" in kim_client.get(f"/en/staff/cases/{case.code}/").content.decode()) == (
        states == (TakedownState.HIDDEN,)
    )
    assert "Conservé" not in kim_client.get(f"/fr/staff/cases/{case.code}/").content.decode()
    case.refresh_from_db()
    answer = session_of(case).get("/api/v1/case/")
    assert answer.status_code == 200
    assert "held" not in answer.content.decode()


def test_to_restore_what_others_hold_is_refused_like_what_comes_too_late(
    sam: User, lee: User, drain: Drain, settings: Settings
) -> None:
    settings.COOLING = timedelta(hours=24)
    kim = make_account("kim")
    kim_client = signed_in(kim)
    case = assign(approved(sam, drain, TakedownState.HIDDEN), kim)
    match = case.matches.get()
    place(match.image_id, sam, lee)
    page = kim_client.post(f"/en/staff/cases/{case.code}/matches/{match.pk}/restore/", follow=True).content.decode()
    assert "the cooling time is over" in page


def test_the_page_of_an_order_tells_it_to_the_two_alone(
    sam: User, lee: User, sam_client: Client, drain: Drain, settings: Settings
) -> None:
    settings.COOLING = timedelta(hours=24)
    kim = make_account("kim")
    image = indexed_image()
    order = orders.propose_list([image, indexed_image()], by=sam, authority="A court", reference="7")
    look_at_order(order, order.made_by, lee)
    orders.confirm(order, by=lee)
    drain()
    place(image, sam, lee)
    page = f"/en/staff/orders/{order.code}/"
    assert "Held" in sam_client.get(page).content.decode()
    assert "Held" not in signed_in(kim).get(page).content.decode()
    assert order_progress(order, by=kim).by_state == {"held": 0, "hidden": 2}
    assert order_progress(order, by=sam).by_state == {"held": 1, "hidden": 1}


def test_nobody_else_finds_the_hold(sam: User, lee: User, sam_client: Client) -> None:
    kim_client = Client()
    kim_client.force_login(make_account("kim"))
    hold = place(indexed_image(), sam, lee)
    assert str(hold.pk) in sam_client.get("/en/staff/holds/").content.decode()
    assert str(hold.pk) not in kim_client.get("/en/staff/holds/").content.decode()
    for verb in ("confirm", "decline", "report", "release", "keep"):
        assert kim_client.post(f"/en/staff/holds/{hold.pk}/{verb}/").status_code == 404
    assert Entry.objects.filter(tag=Tag.HOLDS_VIEWED).count() == 2


def public_figures() -> dict[str, int]:
    with connections["regulator"].cursor() as cursor:
        cursor.execute("SELECT state, images FROM statistics_images")
        return dict(cursor.fetchall())


@pytest.mark.django_db(transaction=True, databases=["default", "regulator"])
def test_it_is_in_no_public_figure(sam: User, lee: User, drain: Drain, settings: Settings) -> None:
    settings.COOLING = timedelta(hours=24)
    image = indexed_image()
    remove(image)
    drain()
    assert public_figures() == {"hidden": 1}
    hold = place(image, sam, lee)
    assert public_figures() == {}
    let_go(hold, sam, lee)
    drain()
    assert public_figures() == {"purged": 1}


def test_the_subject_is_told_the_same(sam: User, lee: User) -> None:
    case = reviewed(certain=1)
    before = queries.announced(case)
    place(case.matches.get().image_id, sam, lee)
    case.refresh_from_db()
    assert queries.announced(case) == before
