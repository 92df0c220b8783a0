"""A legal hold: hidden at once, kept whatever else is decided, shown to two people, deleted after release."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from time import monotonic, sleep
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections
from django.test import Client
from pytest_django import Settings

from matching import service
from matching.erasure import tombstones
from matching.models import TombstoneMark
from matching.types import BroughtBack, Store
from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.cases import decisions, queries
from portal.cases.models import Case
from portal.core import clock
from portal.jobs import kinds, queue
from portal.notices.models import Item
from portal.operations import tasks
from portal.orders import actions as orders
from portal.orders.queries import progress as order_progress
from portal.policies import preservation
from portal.takedowns import connectors, holds, moves
from portal.takedowns.connectors.base import Connector, Erasure
from portal.takedowns.models import Hold, HoldReason, ReleasedBecause, Removal, Takedown
from portal.takedowns.removals import TooLate, open_removal, restore
from portal.takedowns.states import HOLD_MOVES, HoldState, RemovalState, StepState, TakedownState
from tests.builders import assign, indexed_image, look_at_hold, look_at_order, make_account, session_of, signed_in
from tests.matching import builders as index
from tests.staff.build import look_at, numbers, reviewed, unlock

pytestmark = pytest.mark.django_db(transaction=True)
STEPS = holds._STEPS
Drain = Callable[[], int]


@pytest.fixture(autouse=True)
def surroundings() -> Iterator[None]:
    kinds.register({"test.over": lambda _subject: None})
    yield
    kinds.forget("test.over")


def remove(*images: UUID) -> UUID:
    return open_removal(uuid4(), images, then="test.over", at_last="test.over").pk


def place(image: UUID, sam: User, lee: User, reason: HoldReason = HoldReason.LITIGATION) -> Hold:
    hold = holds.propose([image], reason, by=sam)
    look_at_hold(hold, hold.proposed_by, lee)
    holds.confirm(hold, by=lee)
    return Hold.objects.get(pk=hold.pk)


def let_go(hold: Hold, sam: User, lee: User) -> None:
    holds.propose_release(hold, ReleasedBecause.ENDED, by=sam)
    holds.confirm_release(hold, by=lee)


def searchable_image() -> UUID:
    """With a face, so that the operator's search returns it until it is hidden."""
    image = index.make_image(index.unit_rows(1))
    assert service.searchable([image]) == {image}
    return image


def is_whole(image: UUID) -> bool:
    return all(service.present(image, store) for store in Store)


def test_it_is_hidden_at_once_kept_and_deleted_after_release(
    sam: User, lee: User, drain: Drain, settings: Settings
) -> None:
    settings.COOLING = timedelta(hours=24)
    image = searchable_image()
    remove(image)
    hold = place(image, sam, lee)
    assert service.searchable([image]) == frozenset()  # before any worker came
    drain()
    clock.move(timedelta(days=3))
    drain()
    assert Takedown.objects.get().state == TakedownState.HELD
    assert is_whole(image)
    let_go(hold, sam, lee)
    drain()
    assert Takedown.objects.get().state == TakedownState.PURGED
    assert not any(service.present(image, store) for store in Store)


def test_one_persons_word_stops_it_and_a_second_ones_lets_it_go_on(sam: User, lee: User, drain: Drain) -> None:
    image = indexed_image()
    remove(image)
    hold = holds.propose([image], HoldReason.LITIGATION, by=sam)
    drain()
    assert is_whole(image)
    for verb in (holds.confirm, holds.decline):
        with pytest.raises(holds.NotAllowed):
            verb(hold, by=sam)
    look_at_hold(hold, lee)
    holds.decline(hold, by=lee)
    drain()
    assert Takedown.objects.get().state == TakedownState.PURGED


def test_what_nobody_had_decided_to_delete_is_hidden_kept_and_deleted_after_release(
    sam: User, lee: User, drain: Drain
) -> None:
    image = searchable_image()
    hold = place(image, sam, lee)
    drain()
    assert service.searchable([image]) == frozenset()
    assert Takedown.objects.get().state == TakedownState.HELD
    assert is_whole(image)
    let_go(hold, sam, lee)
    drain()
    assert not any(service.present(image, store) for store in Store)


def test_a_removal_decided_while_it_is_held_waits_too(sam: User, lee: User, drain: Drain) -> None:
    image = indexed_image()
    hold = place(image, sam, lee)
    later = remove(image)
    drain()
    assert Takedown.objects.get(removal=later).state == TakedownState.HELD
    assert is_whole(image)
    let_go(hold, sam, lee)
    drain()
    assert set(Takedown.objects.values_list("state", flat=True)) == {TakedownState.PURGED}


def test_what_was_decided_with_it_is_purged_while_it_is_held(sam: User, lee: User, drain: Drain) -> None:
    image, other = indexed_image(), indexed_image()
    removal = remove(image, other)
    hold = place(image, sam, lee)
    drain()
    assert Takedown.objects.get(image_id=other).state == TakedownState.PURGED
    assert Removal.objects.get(pk=removal).state == RemovalState.REMOVING
    let_go(hold, sam, lee)
    drain()
    assert set(Takedown.objects.values_list("state", flat=True)) == {TakedownState.PURGED}
    assert Removal.objects.get(pk=removal).state == RemovalState.PURGED


def test_two_holds_on_one_image_both_have_to_end(sam: User, lee: User, drain: Drain) -> None:
    image = indexed_image()
    first, second = place(image, sam, lee), place(image, lee, sam)
    let_go(first, sam, lee)
    drain()
    assert is_whole(image)
    let_go(second, sam, lee)
    drain()
    assert not service.present(image, Store.INDEX)


@pytest.fixture(params=["declined", "mistaken"])
def undo(request: pytest.FixtureRequest, sam: User, lee: User) -> Callable[[UUID], None]:
    """Hold an image, then take it back in one of the two ways that decide nothing."""

    def hold_and_undo(image: UUID) -> None:
        hold = holds.propose([image], HoldReason.LITIGATION, by=sam)
        take_back(hold, sam, lee, mistaken=request.param == "mistaken")

    return hold_and_undo


def take_back(hold: Hold, sam: User, lee: User, *, mistaken: bool) -> None:
    if mistaken:
        look_at_hold(hold, hold.proposed_by, lee)
        holds.confirm(hold, by=lee)
        holds.propose_release(hold, ReleasedBecause.MISTAKEN, by=sam)
        holds.confirm_release(hold, by=lee)
    else:
        look_at_hold(hold, lee)
        holds.decline(hold, by=lee)


def test_what_nobody_decided_to_delete_is_shown_again_after_a_hold_that_decides_nothing(
    undo: Callable[[UUID], None], drain: Drain
) -> None:
    image = searchable_image()
    undo(image)
    drain()
    clock.move(timedelta(days=8))
    drain()
    assert is_whole(image)
    assert service.searchable([image]) == {image}
    assert Takedown.objects.get().state == TakedownState.RESTORED


def test_a_restored_image_stays_after_a_hold_that_decides_nothing(
    undo: Callable[[UUID], None], drain: Drain, sam: User, settings: Settings
) -> None:
    settings.COOLING = timedelta(hours=24)
    image = searchable_image()
    remove(image)
    drain()
    restore(Takedown.objects.get(), by=sam.pk)
    undo(image)
    clock.move(timedelta(days=8))
    drain()
    assert is_whole(image)
    assert service.searchable([image]) == {image}


@pytest.mark.parametrize("began", [True, False])
def test_what_was_approved_keeps_its_cooling_time_after_a_hold_that_decides_nothing(
    undo: Callable[[UUID], None], drain: Drain, sam: User, settings: Settings, began: bool
) -> None:
    settings.COOLING = timedelta(hours=24)
    image = searchable_image()
    remove(image)
    if began:
        drain()
    ends = Takedown.objects.get().cools_until
    undo(image)
    drain()
    takedown = Takedown.objects.get()
    assert takedown.state == TakedownState.HIDDEN
    assert takedown.cools_until is not None
    if began:
        assert takedown.cools_until == ends
    assert takedown.cools_until > clock.now() + timedelta(hours=23)
    restore(takedown, by=sam.pk)
    assert service.searchable([image]) == {image}


def test_what_was_approved_is_deleted_after_its_cooling_time_all_the_same(
    undo: Callable[[UUID], None], drain: Drain, settings: Settings
) -> None:
    settings.COOLING = timedelta(hours=24)
    image = searchable_image()
    remove(image)
    drain()
    undo(image)
    clock.move(timedelta(hours=25))
    drain()
    assert Takedown.objects.get().state == TakedownState.PURGED


@pytest.mark.parametrize("mistaken", [True, False])
def test_a_second_hold_still_keeps_what_the_first_one_lets_back(
    sam: User, lee: User, drain: Drain, mistaken: bool
) -> None:
    image = searchable_image()
    first = holds.propose([image], HoldReason.LITIGATION, by=sam)
    second = holds.propose([image], HoldReason.LITIGATION, by=lee)
    take_back(first, sam, lee, mistaken=mistaken)
    drain()
    assert service.searchable([image]) == frozenset()
    take_back(second, lee, sam, mistaken=mistaken)
    drain()
    assert is_whole(image)
    assert service.searchable([image]) == {image}


def test_of_two_holds_one_that_has_ended_deletes_whatever_the_other_one_came_to(
    sam: User, lee: User, drain: Drain
) -> None:
    image = indexed_image()
    ending, mistaken = place(image, sam, lee), holds.propose([image], HoldReason.LITIGATION, by=lee)
    let_go(ending, sam, lee)
    look_at_hold(mistaken, sam)
    holds.decline(mistaken, by=sam)
    drain()
    assert not service.present(image, Store.INDEX)


def test_what_is_let_back_stays_hidden_while_another_removal_has_it(
    drain: Drain, sam: User, lee: User, settings: Settings
) -> None:
    settings.COOLING = timedelta(hours=24)
    image = searchable_image()
    hold = holds.propose([image], HoldReason.LITIGATION, by=sam)
    approved = remove(image)
    look_at_hold(hold, lee)
    holds.decline(hold, by=lee)
    assert service.searchable([image]) == frozenset()
    clock.move(timedelta(hours=25))
    drain()
    assert Takedown.objects.get(removal=approved).state == TakedownState.PURGED


def test_a_held_image_cannot_be_restored(sam: User, lee: User, drain: Drain, settings: Settings) -> None:
    settings.COOLING = timedelta(hours=24)
    image = indexed_image()
    remove(image)
    drain()
    place(image, sam, lee)
    with pytest.raises(TooLate):
        restore(Takedown.objects.get(), by=sam.pk)


class Interrupting:
    """A store during whose turn a hold is asked for; the rest of the stores must never be reached."""

    name = "interrupting"

    def __init__(self, ask: Callable[[], None]) -> None:
        self.ask = ask

    def remove(self, _erasure: Erasure) -> None:
        self.ask()

    def present(self, _erasure: Erasure) -> bool:
        return False


def test_it_stops_between_two_stores(sam: User, drain: Drain, monkeypatch: pytest.MonkeyPatch) -> None:
    image = indexed_image()

    def hold_it() -> None:
        # As by another process whose turn came between the two: the row is held when the next store is asked.
        Takedown.objects.filter(image_id=image).update(state=TakedownState.HELD)

    every: dict[str, Connector] = {"interrupting": Interrupting(hold_it), **connectors.ALL}
    monkeypatch.setattr(connectors, "ALL", every)
    remove(image)
    drain()
    assert is_whole(image)
    assert Takedown.objects.get().state == TakedownState.HELD
    assert not Item.objects.exists()


def wait_until_it_waits(asked: Future[Hold]) -> None:
    """Until the hold waits for the end of a store's turn; it must not have been placed meanwhile."""
    until = monotonic() + 20
    while monotonic() < until and not asked.done():
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted", [STEPS])
            if cursor.fetchone() is not None:
                return
        sleep(0.02)
    pytest.fail("the hold did not wait")


def test_a_hold_waits_for_the_turn_of_a_store_and_no_store_is_asked_after_it(
    sam: User, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = indexed_image()
    asked: list[Future[Hold]] = []
    after: list[UUID] = []

    def propose() -> Hold:
        try:
            return holds.propose([image], HoldReason.LITIGATION, by=sam)
        finally:
            connection.close()  # the thread's own

    with ThreadPoolExecutor(1) as colleague:

        def ask_for_a_hold() -> None:
            asked.append(colleague.submit(propose))
            wait_until_it_waits(asked[0])
            assert Takedown.objects.get().state == TakedownState.REMOVING

        every: dict[str, Connector] = {
            "interrupting": Interrupting(ask_for_a_hold),
            "after": Interrupting(lambda: after.append(image)),
            **connectors.ALL,
        }
        monkeypatch.setattr(connectors, "ALL", every)
        remove(image)
        drain()
        hold = asked[0].result(timeout=20)
    assert hold.state == HoldState.PROPOSED
    assert after == []
    assert Takedown.objects.get().state == TakedownState.HELD
    assert is_whole(image)
    verified = Takedown.objects.get().steps.filter(state=StepState.VERIFIED)
    assert list(verified.values_list("store", flat=True)) == ["interrupting"]


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


def test_child_abuse_material_is_kept_as_long_as_the_law_says(sam: User, lee: User, drain: Drain) -> None:
    image = indexed_image()
    hold = place(image, sam, lee, HoldReason.CHILD_ABUSE)
    with pytest.raises(holds.NotAllowed):  # not reported yet
        holds.propose_release(hold, ReleasedBecause.ENDED, by=sam)
    holds.record_report(hold, under=preservation.CANADA.code, reported_on=clock.today(), by=sam)
    holds.record_report(hold, under=preservation.UNITED_STATES.code, reported_on=clock.today(), by=lee)
    for days, allowed in ((21, False), (200, False), (200, True)):
        clock.move(timedelta(days=days))
        if not allowed:
            with pytest.raises(holds.NotAllowed):
                holds.propose_release(hold, ReleasedBecause.ENDED, by=sam)
    let_go(hold, sam, lee)
    drain()
    assert not service.present(image, Store.INDEX)


def test_only_the_two_release_it_and_not_one_of_them_alone(sam: User, lee: User) -> None:
    kim = make_account("kim")
    hold = place(indexed_image(), sam, lee)
    with pytest.raises(holds.NotAllowed):
        holds.propose_release(hold, ReleasedBecause.ENDED, by=kim)
    holds.propose_release(hold, ReleasedBecause.ENDED, by=sam)
    for wrong in (sam, kim):
        with pytest.raises(holds.NotAllowed):
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
                with pytest.raises(holds.NotAllowed):
                    holds._move(hold, to, by=sam)


def test_what_is_gone_cannot_be_held(sam: User, drain: Drain) -> None:
    image = indexed_image()
    remove(image)
    drain()
    with pytest.raises(holds.NotAllowed):
        holds.propose([image], HoldReason.LITIGATION, by=sam)


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
    assert holds.bring_back(hold.pk, said) == BroughtBack.NOW
    assert holds.bring_back(hold.pk, said) == BroughtBack.BEFORE
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
    assert holds.bring_back(hold.pk, said) == BroughtBack.NOW
    drain()
    assert not is_whole(image)


def test_an_account_that_got_the_number_of_a_lost_one_holds_nothing(sam: User, lee: User) -> None:
    image = indexed_image()
    hold = place(image, sam, lee)
    said = forgotten(hold)
    User.objects.filter(pk=lee.pk).update(created_at=clock.now() + timedelta(minutes=1))
    assert holds.bring_back(hold.pk, said) == BroughtBack.NOW
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
