"""A case is there for the two who were drawn for it; how much was found is told once they unlocked it."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from portal.accounts import duty
from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.cases import decisions
from portal.cases.models import Assignment, Case, Match, Part, Proposal
from portal.cases.states import State
from portal.core import clock
from portal.policies import budgets
from tests.builders import assign, look_at, make_account, make_case, signed_in
from tests.staff.build import numbers, reviewed, unlock

pytestmark = pytest.mark.django_db
QUEUE, REASSIGN = "/en/staff/", "/en/staff/reassign/"
OF_A_CASE = ("case", "unlock", "approve", "decide", "refuse", "photo")
OF_A_MATCH = ("match", "look", "restore", "hold")


@pytest.fixture
def case() -> Case:
    """Drawn for Sam alone."""
    return assign(reviewed(certain=2, probable=1), make_account("sam"))


def without_tokens(content: bytes) -> str:
    """The page, save what is random on each."""
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", content.decode())


def pages(case: Case) -> list[str]:
    match = case.matches.first()
    assert match is not None
    return [
        *(reverse(f"staff:{name}", args=[case.code]) for name in OF_A_CASE),
        *(reverse(f"staff:{name}", args=[case.code, match.pk]) for name in OF_A_MATCH),
    ]


def test_for_everybody_else_it_does_not_exist(case: Case, sam: User, lee: User, lee_client: Client) -> None:
    decisions.unlock(case, by=lee, purpose="compare")
    before = Entry.objects.count()
    for page in pages(case):
        answers = {lee_client.get(page).status_code, lee_client.post(page).status_code}
        assert answers <= {404, 405}
        assert 404 in answers
    assert Entry.objects.count() == before
    look_at(case, sam)
    proposal = decisions.propose_refusal(case, by=sam, reason="abusive")
    for verb in ("", "confirm/", "decline/", "take-back/"):
        page = f"/en/staff/proposals/{proposal.pk}/{verb}"
        assert 404 in (lee_client.get(page).status_code, lee_client.post(page).status_code)
    assert Proposal.objects.get().outcome == "open"


def test_it_is_found_by_its_reference_by_nobody_else(case: Case, sam_client: Client, lee_client: Client) -> None:
    assert sam_client.get(QUEUE, {"reference": case.reference}).status_code == 302
    theirs = without_tokens(lee_client.get(QUEUE, {"reference": case.reference}).content)
    unknown = without_tokens(lee_client.get(QUEUE, {"reference": "ZZZZ-ZZZZ"}).content)
    assert theirs.replace(case.reference, "ZZZZ-ZZZZ") == unknown
    for state in ("", "review"):
        assert case.reference not in lee_client.get(f"{QUEUE}?state={state}").content.decode()


def test_not_even_a_case_that_nothing_was_found_in_is_told_of(lee_client: Client) -> None:
    """Whoever filed it and is staff must not see from its state that something was found, or nothing."""
    for state in (State.RECEIVED, State.SETTLED, State.REVIEW):
        waiting = make_case(state)
        assert lee_client.get(f"/en/staff/cases/{waiting.code}/").status_code == 404
        assert waiting.reference not in lee_client.get(f"{QUEUE}?state={state}").content.decode()


def test_whoever_loses_a_case_loses_all_of_it(case: Case, sam: User, sam_client: Client, lee: User) -> None:
    unlock(sam_client, case)
    assert sam_client.get(f"/en/staff/cases/{case.code}/").status_code == 200
    assign(case, lee)
    for page in pages(case):
        assert 404 in (sam_client.get(page).status_code, sam_client.post(page).status_code)


def test_before_it_is_unlocked_its_page_tells_nothing_of_what_was_found(case: Case, sam_client: Client) -> None:
    Match.objects.create(case=case, image_id=case.matches.all()[0].case_id, band="probable", similarity=0.9)
    page = f"/en/staff/cases/{case.code}/"
    told = (
        "3 images",
        "4 images",
        "Certain",
        "Probable",
        "images/",
        "/matches/",
        "Approve the ticked",
        "unclear image",
    )
    locked = sam_client.get(page).content.decode()
    assert not [words for words in told if words in locked]
    for match in case.matches.all():
        assert sam_client.get(f"{page}matches/{match.pk}/image/").status_code == 404
    assert "told once unlocked" in sam_client.get(QUEUE).content.decode()
    unlock(sam_client, case)
    opened = sam_client.get(page).content.decode()
    assert all(words in opened for words in ("4 images", "Certain", "Probable", "/matches/", "unclear image"))


def test_a_proposal_tells_nothing_before_it_is_unlocked(case: Case, sam: User, lee: User, lee_client: Client) -> None:
    assign(case, sam, lee)
    look_at(case, sam)
    proposal = decisions.propose_decision(case, by=sam, delete=numbers(case, "certain"))
    locked = lee_client.get(f"/en/staff/proposals/{proposal.pk}/").content.decode()
    assert not [words for words in ("If you confirm", "Certain", "/matches/") if words in locked]


def test_unlocking_is_budgeted_whichever_way_it_is_asked_for(case: Case, sam_client: Client) -> None:
    for _ in range(budgets.UNLOCKS.most):
        unlock(sam_client, case)
    assert Entry.objects.filter(tag=Tag.CASE_UNLOCKED).count() == budgets.UNLOCKS.most
    unlock(sam_client, case)
    assert Entry.objects.filter(tag=Tag.CASE_UNLOCKED).count() == budgets.UNLOCKS.most


def test_signing_in_puts_on_duty_and_draws_what_waits(sam: User, lee: User, client: Client) -> None:
    case = make_case(State.REVIEW)
    duty.begin(lee)
    sam.set_password("a long password of sam")
    sam.save()
    client.post("/en/staff/sign-in/", {"name": "sam", "password": "a long password of sam"})
    assert Assignment.objects.get(case=case).part == Part.REVIEWER
    assert "You are on duty" in client.get(QUEUE).content.decode()
    client.post("/en/staff/off-duty/")
    page = client.get(QUEUE).content.decode()
    assert "You are off duty" in page
    assert "Fewer than two people are on duty" in page
    client.post("/en/staff/on-duty/")
    assert "Fewer than two" not in client.get(QUEUE).content.decode()
    clock.move(budgets.UNLOCKS.per)
    duty_of_yesterday = signed_in(User.objects.get(name="sam")).get(QUEUE).content.decode()
    assert "You are off duty" in duty_of_yesterday


def test_a_supervisor_learns_nothing_by_having_cases_drawn_anew(
    case: Case, lee: User, sam: User, lee_client: Client
) -> None:
    duty.begin(sam)
    asked = {"away_from": sam.pk, "because": "ill"}
    answers = {
        without_tokens(lee_client.post(REASSIGN, {**asked, "reference": reference}, follow=True).content)
        for reference in ("ZZZZ-ZZZZ", case.reference, make_case(State.SETTLED).reference)
    }
    assert len(answers) == 1
    assert Assignment.objects.get(case=case, ended_because="ill").to == sam
    assert "Choose a reason" in lee_client.post(REASSIGN, {"away_from": sam.pk}).content.decode()
    User.objects.filter(pk=lee.pk).update(is_senior=False)
    assert lee_client.get(REASSIGN).status_code == 404
    assert lee_client.post(REASSIGN, asked).status_code == 404
