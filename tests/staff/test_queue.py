"""The queue: most urgent first, found by exact reference alone."""

import re
from datetime import timedelta

from django.test import Client

from portal.accounts.models import User
from portal.cases import decisions
from portal.cases.models import Case
from portal.cases.states import State
from portal.core import clock
from tests.builders import assign, look_at, make_case
from tests.staff.build import reviewed, unlock

QUEUE = "/en/staff/"


def references(page: str) -> list[str]:
    return re.findall(r"staff-case__link[^>]*>([0-9A-Z-]{9})<", page)


def test_the_earliest_due_comes_first_and_overdue_is_marked(sam_client: Client) -> None:
    clock.move(-timedelta(days=40))
    late = assign(make_case(State.REVIEW, place="CA-ON"))
    clock.reset()
    slow, quick = assign(make_case(State.REVIEW, place="US-CA")), assign(make_case(State.REVIEW, place="CA-ON"))
    page = sam_client.get(QUEUE).content.decode()
    assert references(page) == [late.reference, quick.reference, slow.reference]
    assert page.count("staff-case--late") == 1
    assert late.due_on is not None
    overdue = clock.today() - late.due_on
    assert overdue.days in (9, 10)  # nine in the hour by which the clocks were set back since
    assert f"{overdue.days} days overdue" in page


def test_it_counts_what_is_to_be_decided(sam_client: Client) -> None:
    case = reviewed(certain=3, probable=2)
    locked = sam_client.get(QUEUE).content.decode()
    assert case.reference in locked
    assert "certain" not in locked
    unlock(sam_client, case)
    page = sam_client.get(QUEUE).content.decode()
    assert "<b>3</b> certain" in page
    assert "<b>2</b> probable" in page


def test_drafts_are_not_shown_and_what_ended_only_when_asked_for(ana_case: Case, sam_client: Client) -> None:
    settled = assign(make_case(State.SETTLED))
    assert references(sam_client.get(QUEUE).content.decode()) == []
    assert references(sam_client.get(f"{QUEUE}?state=settled").content.decode()) == [settled.reference]
    assert references(sam_client.get(f"{QUEUE}?state=draft").content.decode()) == []


def test_an_empty_queue_says_so(sam_client: Client) -> None:
    assert "Nothing waits." in sam_client.get(QUEUE).content.decode()
    assert "No case is in this state." in sam_client.get(f"{QUEUE}?state=refused").content.decode()


def test_an_exact_reference_opens_the_case(sam_client: Client) -> None:
    case = assign(make_case(State.SETTLED))
    found = sam_client.get(QUEUE, {"reference": f" {case.reference.lower()} "})
    assert found["Location"] == f"/en/staff/cases/{case.code}/"


def test_nothing_else_finds_a_case(sam_client: Client, ana_case: Case) -> None:
    case = assign(make_case(State.REVIEW, address="zoe@example.org"))
    for asked in ("zoe@example.org", "zoe", case.reference[:4], str(case.code)[:12], ana_case.reference, "%", "\x00"):
        page = sam_client.get(QUEUE, {"reference": asked})
        assert page.status_code == 200
        assert "<title>Error:" in page.content.decode()
        assert references(page.content.decode()) == [case.reference]


def test_it_goes_on_over_pages(sam_client: Client) -> None:
    for number in range(22):
        assign(make_case(State.REVIEW, address=f"ana{number}@example.org"))
    first = sam_client.get(QUEUE).content.decode()
    second = sam_client.get(f"{QUEUE}?page=2").content.decode()
    assert (len(references(first)), len(references(second))) == (20, 2)
    assert not set(references(first)) & set(references(second))
    assert 'aria-current="page" aria-label="Page 2"' in second


def test_proposals_of_colleagues_stand_on_top(sam: User, sam_client: Client, lee_client: Client) -> None:
    case = reviewed(probable=1)
    look_at(case, sam)
    decisions.propose_decision(case, by=sam, delete=[])
    assert "You decide" in lee_client.get(QUEUE).content.decode()
    own = sam_client.get(QUEUE).content.decode()
    assert "You decide" not in own
    assert "A colleague decides" in own
