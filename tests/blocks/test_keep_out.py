"""Whoever asks for it is kept out once their case is settled, and nobody else; and it ends when they say so."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from matching import service
from matching.models import Block, HarvestedImage, Screening
from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.blocks import choices, codes
from portal.blocks.models import Choice
from portal.blocks.sealer import Sealer
from portal.cases import actions, decisions, personal, work
from portal.cases.models import Case, Match, Route
from portal.cases.states import State
from portal.core import clock, keys
from portal.operations import retention
from portal.policies import retention as rules
from tests import builders
from tests.builders import look_at

pytestmark = pytest.mark.django_db(transaction=True)
Drain = Callable[[], int]


def kept_out_case(state: State = State.RECEIVED) -> Case:
    return builders.make_case(state, route=Route.PHOTO, keep_out=True)


def in_force(case: Case) -> bool:
    choice = Choice.objects.filter(pk=case.code).first()
    return choice is not None and bool(service.active_blocks([choice.block]))


def tags_about(subject: object) -> list[str]:
    return list(Entry.objects.filter(about=str(subject)).order_by("pk").values_list("tag", flat=True))


def test_nobody_is_kept_out_who_did_not_ask(drain: Drain) -> None:
    case = builders.make_case(State.RECEIVED, route=Route.PHOTO)
    drain()
    case.refresh_from_db()
    assert case.state == State.SETTLED
    assert not Choice.objects.exists()
    assert not Block.objects.exists()


def test_a_case_without_a_match_leaves_a_sealed_block_and_no_probe(drain: Drain) -> None:
    case = kept_out_case(State.DRAFT)
    probe = personal.probes(case)[0].tobytes()
    actions.submit(case)
    drain()
    case.refresh_from_db()
    assert (case.state, case.probes.count()) == (State.SETTLED, 0)
    held = Block.objects.get()
    assert held.sealed is not None
    assert probe not in bytes(held.sealed)
    assert probe in Sealer().unseal(held.id, bytes(held.sealed))
    assert Choice.objects.get().block == held.id != case.key_id
    searches = Entry.objects.filter(about=str(case.code), tag=Tag.CASE_SEARCHED)
    assert searches.count() == 2  # once more, for what came in before the block stood
    assert Tag.BLOCK_CHOSEN in tags_about(case.code)
    assert tags_about(held.id) == [Tag.BLOCK_MADE]


def test_what_was_deleted_does_not_come_back_until_the_block_is_taken_back(
    drain: Drain, sam: User, tmp_path: Path
) -> None:
    """The very files, at other addresses, and one photo with a face nobody asked to keep out."""
    photos = {"a.jpg": builders.astronaut_jpeg(size=256), "b.jpg": builders.astronaut_jpeg(quality=30)}
    builders.harvest(tmp_path, photos)
    case = kept_out_case()
    drain()
    look_at(case, sam)
    decisions.approve(case, by=sam, matches=Match.objects.filter(case=case).values_list("pk", flat=True))
    drain()
    case.refresh_from_db()
    assert case.state == State.SETTLED
    clock.move(timedelta(days=8))
    drain()
    assert not keys.exists(case.key_id)
    assert not HarvestedImage.objects.exists()

    again = {f"again-{name}": content for name, content in photos.items()}
    assert builders.harvest(tmp_path, again) == {}
    assert Screening.objects.get().refused == 2

    choice = Choice.objects.get()
    choices.revoke(choice)
    assert set(builders.harvest(tmp_path, again)) == set(again)
    drain()
    assert not keys.exists(choice.block)
    assert tags_about(choice.block)[-2:] == [Tag.BLOCK_REVOKED, Tag.KEY_DESTROYED]
    assert bytes(Block.objects.get().sealed or b"") == b""


def test_a_photo_harvested_before_the_block_stood_is_found_by_the_second_search(drain: Drain, tmp_path: Path) -> None:
    case = kept_out_case(State.SEARCHING)
    work.search(str(case.code))
    assert in_force(case)
    choice = Choice.objects.get()
    service.unblock(choice.block)  # as if it had come in before: past a block it could not
    builders.harvest(tmp_path, {"a.jpg": builders.astronaut_jpeg()})
    drain()
    case.refresh_from_db()
    assert case.state == State.REVIEW


def test_a_refused_case_keeps_nobody_out_and_its_code_shows_no_difference(drain: Drain, sam: User, lee: User) -> None:
    case = kept_out_case(State.ERASING)
    work.settle(str(case.code))
    assert in_force(case)
    Case.objects.filter(pk=case.pk).update(state=State.REVIEW)
    case.refresh_from_db()
    look_at(case, sam, lee)
    decisions.confirm(decisions.propose_refusal(case, by=sam, reason="another_person"), by=lee)
    choice = Choice.objects.get()
    assert not in_force(case)
    drain()
    assert not keys.exists(choice.block)
    assert choices.of_code(codes.of(case.key_id)) == choice
    assert not service.block(choice.block, personal.probes(builders.make_case(route=Route.PHOTO)))
    assert not in_force(case)


def test_withdrawing_takes_the_choice_back(drain: Drain) -> None:
    case = kept_out_case()
    code = codes.of(case.key_id)
    drain()
    assert in_force(case)
    block = Choice.objects.get().block
    actions.withdraw(case)
    drain()
    assert choices.of_code(code) is None
    assert not service.active_blocks([block])
    assert not keys.exists(block)


@pytest.mark.parametrize("leave", ["other route", "changed mind", "never sent"])
def test_a_draft_that_goes_another_way_leaves_no_choice(leave: str, drain: Drain) -> None:
    case = kept_out_case(State.DRAFT)
    assert choices.chosen(case.code)
    if leave == "other route":
        actions.consent(case, Route.ADDRESSES)
    elif leave == "changed mind":
        actions.keep_out(case, wanted=False)
    else:
        clock.move(rules.DRAFT.kept_for + timedelta(minutes=1))
        retention.run("now")
        drain()
    assert not choices.chosen(case.code)


def test_a_block_is_made_before_the_law_takes_the_template_away(drain: Drain) -> None:
    case = kept_out_case(State.REVIEW)
    assert not in_force(case)
    assert case.due_on is not None
    clock.move(case.due_on - clock.today() + timedelta(days=1))
    retention.run("now")
    assert in_force(case)
    assert not case.probes.exists()


def test_it_ends_with_its_term_unless_it_is_renewed(drain: Drain) -> None:
    first, second = kept_out_case(), kept_out_case()
    drain()
    clock.move(timedelta(days=1000))
    choices.renew(Choice.objects.get(pk=second.code))
    clock.move(timedelta(days=120))
    retention.run("now")
    assert [in_force(case) for case in (first, second)] == [False, True]
    clock.move(timedelta(days=1000))
    retention.run("then")
    assert not in_force(second)


def test_a_code_is_found_as_people_write_it_and_only_while_it_is_right() -> None:
    case = kept_out_case()
    code = codes.of(case.key_id)
    found = choices.of_code(code)
    assert found is not None
    written = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert choices.of_code(f" {written}") == found
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    assert [choices.of_code(other) for other in (wrong, code[:-1], "", code + "A")] == [None] * 4
    assert code.encode() not in bytes(found.code_digest)
