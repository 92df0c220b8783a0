"""A draft in two windows, and answers that take each other back."""

from collections.abc import Callable

import pytest

from portal.cases import actions
from portal.cases.models import Case, Photo, Probe, Route
from portal.cases.states import State
from portal.core.faults import Stale
from portal.policies.assurance import Proof
from tests.builders import astronaut_jpeg, make_case, session_of

pytestmark = pytest.mark.django_db


def test_choosing_the_route_without_biometrics_destroys_photo_and_template() -> None:
    case = make_case(route=Route.PHOTO)
    actions.consent(case, Route.ADDRESSES)
    assert not Photo.objects.filter(case=case).exists()
    assert not Probe.objects.filter(case=case).exists()
    assert Case.objects.get(pk=case.pk).proof == Proof.CONTACT


def test_a_photo_that_arrives_after_the_address_was_changed_is_not_kept() -> None:
    case = make_case(route=Route.PHOTO)
    actions.send_code(Case.objects.get(pk=case.pk), "victim@example.org")
    with pytest.raises(Stale):
        actions.keep_photo(case, astronaut_jpeg())
    assert Case.objects.get(pk=case.pk).proof == Proof.NONE


@pytest.mark.parametrize("verb", ["place", "contact", "consent", "photo", "addresses", "submit"])
def test_a_window_left_open_changes_nothing_once_the_case_is_sent(verb: str) -> None:
    left_open = make_case(route=Route.PHOTO)
    actions.submit(Case.objects.get(pk=left_open.pk))
    before = Case.objects.filter(pk=left_open.pk).values().get()
    acts: dict[str, Callable[[], object]] = {
        "place": lambda: actions.set_place(left_open, "EU"),
        "contact": lambda: actions.send_code(left_open, "other@example.org"),
        "consent": lambda: actions.consent(left_open, Route.ADDRESSES),
        "photo": lambda: actions.keep_photo(left_open, astronaut_jpeg()),
        "addresses": lambda: actions.keep_addresses(left_open, ["https://a.example/"]),
        "submit": lambda: actions.submit(left_open),
    }
    with pytest.raises(Stale):
        acts[verb]()
    assert Case.objects.filter(pk=left_open.pk).values().get() == before


def test_sending_twice_sends_once_and_shows_the_case() -> None:
    case = make_case()
    window = session_of(case)
    first = window.post("/en/request/check/")
    second = window.post("/en/request/check/")
    assert (first.status_code, second.status_code) == (302, 302)
    assert Case.objects.get(pk=case.pk).state == State.RECEIVED
