"""Every staff page: for whom it exists, and by which method."""

import pytest
from django.test import Client
from django.urls import reverse

from matching.types import Scope
from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.cases import decisions, queries
from portal.cases.models import Case
from portal.core import clock
from portal.notices.models import Notice, Recipient
from portal.orders import actions
from portal.staff import urls
from portal.takedowns import holds
from portal.takedowns.models import HoldReason
from tests.staff.build import reviewed

GET_ONLY = {"queue", "case", "photo", "match", "proposal", "system", "orders", "order", "recipients", "holds"}
GET_ONLY |= {"look", "hold-look", "hold-image", "notice", "order-breakdown", "order-image"}
POST_ONLY = {"restore", "confirm", "decline", "take-back", "retry-job", "retry-step", "retry-store", "retry-takedown"}
POST_ONLY |= {"sign-out", "on-duty", "off-duty"}
POST_ONLY |= {f"order-{verb}" for verb in ("confirm", "decline", "take-back", "pause", "resume")}
POST_ONLY |= {"confirm-channel", "decline-channel", "retry-notice", "settle-notice"}
POST_ONLY |= {"confirm-exemption", "decline-exemption", "end-exemption"}
POST_ONLY |= {f"hold-{verb}" for verb in ("confirm", "decline", "report", "release", "keep")}
POST_ONLY |= {"hold-take-over", "hold-not-hand-over"}
BOTH = {"channel", "hold", "unlock", "approve", "decide", "refuse", "sign-in", "order-new", "exemptions"}
BOTH |= {"hold-hand-over", "order-hold", "reassign"}
OPEN_TO_ALL = {"sign-in", "sign-out"}


@pytest.fixture
def addresses(sam: User) -> dict[str, str]:
    """An address of every page; what it names exists, save jobs and steps."""
    case = reviewed(certain=1, probable=1)
    # The cheapest proposal: no picture is decoded for it.
    decisions.unlock(case, by=sam, purpose="compare")
    queries.evidence_photo(case, sam, 1)
    proposal = decisions.propose_refusal(case, by=sam, reason="abusive")
    match = case.matches.first()
    assert match is not None
    code: dict[str, object] = {"code": case.code}
    pk: dict[str, object] = {"pk": proposal.pk}
    known: dict[str, dict[str, object]] = {
        "match": {"code": case.code, "pk": match.pk},
        "look": {"code": case.code, "pk": match.pk},
        "restore": {"code": case.code, "pk": match.pk},
        "hold": {"code": case.code, "pk": match.pk},
    }
    for name in ("case", "unlock", "approve", "decide", "refuse", "photo"):
        known[name] = code
    for name in ("confirm-exemption", "decline-exemption", "end-exemption"):
        known[name] = pk
    for name in ("proposal", "confirm", "decline", "take-back", "retry-job", "retry-step", "retry-takedown"):
        known[name] = pk
    order = actions.propose_scope(Scope(site="photos.example"), by=sam, authority="A regulator", reference="2026-1")
    for name in GET_ONLY | POST_ONLY | {"order-hold"}:
        if name.startswith("order") and name != "orders":
            known[name] = {"code": order.code}
    hold = holds.propose([match.image_id], HoldReason.LITIGATION, by=sam)
    for verb in ("confirm", "decline", "report", "release", "keep", "hand-over", "take-over", "not-hand-over"):
        known[f"hold-{verb}"] = {"pk": hold.pk}
    known["hold-look"] = {"pk": hold.pk}
    known["hold-image"] = {"pk": hold.pk, "image": match.image_id}
    known["order-image"] = {"code": order.code, "image": match.image_id}
    recipient = Recipient.objects.create(code="acme")
    now = clock.now()
    notice = Notice.objects.create(recipient=recipient, opened_at=now, closes_at=now)
    for name in ("channel", "confirm-channel", "decline-channel"):
        known[name] = {"pk": recipient.pk}
    for name in ("notice", "retry-notice", "settle-notice"):
        known[name] = {"pk": notice.pk}
    return {name: reverse(f"staff:{name}", kwargs=known.get(name)) for name in GET_ONLY | POST_ONLY | BOTH}


def test_every_page_is_in_this_list() -> None:
    assert {page.name for page in urls.urlpatterns} == GET_ONLY | POST_ONLY | BOTH


# The world behind the addresses takes longer than asking all of them, so each of these asks them all.


def closed_pages(addresses: dict[str, str]) -> list[tuple[str, str]]:
    """Name and address of every page that is not for everybody."""
    return [(name, addresses[name]) for name in sorted(addresses.keys() - OPEN_TO_ALL)]


def test_a_stranger_is_sent_to_sign_in(addresses: dict[str, str], client: Client) -> None:
    for name, address in closed_pages(addresses):
        answer = (client.post if name in POST_ONLY else client.get)(address)
        assert answer.status_code == 302, name
        assert answer["Location"].startswith("/en/staff/sign-in/"), name


def test_a_regulator_finds_no_such_page(addresses: dict[str, str], rita_client: Client) -> None:
    before = Entry.objects.count()
    for name, address in closed_pages(addresses):
        method = rita_client.post if name in POST_ONLY else rita_client.get
        assert method(address).status_code == 404, name
        assert Entry.objects.count() == before, name


def test_a_subjects_session_opens_nothing(addresses: dict[str, str], ana: Client) -> None:
    for name, address in closed_pages(addresses):
        method = ana.post if name in POST_ONLY else ana.get
        assert method(address).status_code == 302, name


def test_the_wrong_method_is_refused(addresses: dict[str, str], sam_client: Client) -> None:
    for name in sorted(GET_ONLY | POST_ONLY):
        method = sam_client.get if name in POST_ONLY else sam_client.post
        assert method(addresses[name]).status_code == 405, name


@pytest.mark.parametrize(
    "path",
    [
        "cases/00000000-0000-4000-8000-000000000000/",
        "cases/00000000-0000-4000-8000-000000000000/approve/",
        "cases/00000000-0000-4000-8000-000000000000/photo/",
        "proposals/999999/",
        "orders/00000000-0000-4000-8000-000000000000/",
        "cases/nonsense/",
    ],
)
def test_what_does_not_exist_is_not_found(sam_client: Client, path: str) -> None:
    assert sam_client.get(f"/en/staff/{path}").status_code == 404


@pytest.mark.parametrize("path", ["system/jobs/999999/retry/", "system/steps/999999/retry/", "proposals/9/confirm/"])
def test_nothing_can_be_done_to_what_does_not_exist(sam_client: Client, path: str) -> None:
    assert sam_client.post(f"/en/staff/{path}").status_code == 404


def test_a_draft_is_no_business_of_staff(ana_case: Case, sam_client: Client) -> None:
    assert sam_client.get(f"/en/staff/cases/{ana_case.code}/").status_code == 404
    assert not Entry.objects.filter(tag=Tag.CASE_VIEWED).exists()


@pytest.mark.parametrize("name", ["queue", "case", "approve", "proposal", "system", "orders", "order", "order-new"])
def test_no_page_is_kept_by_the_browser(addresses: dict[str, str], sam_client: Client, name: str) -> None:
    assert "no-store" in sam_client.get(addresses[name])["Cache-Control"]


def test_an_account_that_was_closed_is_out_at_once(sam: User, sam_client: Client) -> None:
    User.objects.filter(pk=sam.pk).update(is_active=False)
    assert sam_client.get("/en/staff/").status_code == 302
