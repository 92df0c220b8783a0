"""Staff's and regulators' pages in a browser: both languages, narrow and wide, by axe; without JavaScript too."""

from collections.abc import Callable
from pathlib import Path

import pytest

from matching import service
from matching.types import Scope
from portal.accounts.models import User
from portal.cases import decisions, personal
from portal.cases.models import Band, Case, Match, Outcome, Proposal, Route
from portal.cases.states import State
from portal.jobs import queue, run
from portal.jobs.models import Job
from portal.jobs.models import State as JobState
from portal.orders import actions as orders
from portal.statistics import releases
from portal.takedowns.models import Takedown
from tests import builders
from tests.browser.conftest import WIDTHS, Visitor
from tests.staff.build import look_at, numbers, reviewed, unlock

SIZES = pytest.mark.parametrize("width", WIDTHS)
LANGUAGES = pytest.mark.parametrize("language", ["en", "fr"])
Drain = Callable[[], int]


@SIZES
@LANGUAGES
def test_it_shows_every_staff_page(visit: Visitor, sam: User, lee: User, language: str, width: int) -> None:
    case, other = reviewed(certain=2, probable=2), reviewed(probable=1)
    for one in (case, other):
        look_at(builders.signed_in(lee), one)
    decisions.approve(case, by=lee, matches=numbers(case, "certain")[:1])
    proposal = decisions.propose_decision(other, by=lee, delete=numbers(other, "probable"))
    run.beat("worker")
    queue.enqueue("case.search", case.code)
    Job.objects.update(state=JobState.DEAD, last_error="StoreError")
    client = builders.signed_in(sam)
    unlock(client, case)
    window = visit(client, width=width)
    staff, of_case = f"/{language}/staff/", f"/{language}/staff/cases/{case.code}/"
    pages = {
        "queue": staff,
        "queue-not-found": f"{staff}?reference=XXXX-XXXX",
        "queue-empty": f"{staff}?state=closed",
        "case": of_case,
        "approve": f"{of_case}approve/",
        "decide": f"{of_case}decide/",
        "refuse": f"{of_case}refuse/",
        "unlock": f"{of_case}unlock/",
        "look": f"{of_case}matches/{numbers(case, 'probable')[0]}/",
        "proposal": f"{staff}proposals/{proposal.pk}/",
        "reassign": f"{staff}reassign/",
        "system": f"{staff}system/",
    }
    for name, path in pages.items():
        window.go(path)
        window.check(f"staff-{name}")
    for name in ("decide", "refuse", "unlock", "reassign"):
        window.go(pages[name])
        # Nothing is chosen for what is unclear, though the browser has shown it by now.
        window.page.locator("main form button[type=submit]").click()
        window.page.locator(".govuk-error-summary").wait_for()
        window.check(f"staff-{name}-error")


@SIZES
@LANGUAGES
def test_it_shows_the_pages_of_orders(visit: Visitor, sam: User, lee: User, language: str, width: int) -> None:
    for _ in range(2):
        builders.indexed_image()
    waiting, running = (
        orders.propose_scope(Scope(site="photos.example"), by=by, authority="A regulator", reference="2026-1")
        for by in (lee, sam)
    )
    builders.look_at_order(running, sam, lee)
    orders.confirm(running, by=lee)
    run.drain(most=2)
    window = visit(builders.signed_in(sam), width=width)
    pages = {
        "orders": "",
        "order-new": "new/",
        "order": f"{waiting.code}/",
        "order-breakdown": f"{waiting.code}/breakdown/",
        "order-running": f"{running.code}/",
    }
    for name, path in pages.items():
        window.go(f"/{language}/staff/orders/{path}")
        window.check(f"staff-{name}")
    window.go(f"/{language}/staff/orders/new/")
    window.page.locator("main form button[type=submit]").click()
    window.page.locator(".govuk-error-summary").wait_for()
    window.check("staff-order-new-error")


@SIZES
@LANGUAGES
@pytest.mark.django_db(transaction=True, databases=["default", "regulator"])
def test_it_shows_sign_in_and_the_numbers(visit: Visitor, rita: User, language: str, width: int) -> None:
    stranger = visit(width=width)
    stranger.go(f"/{language}/staff/sign-in/")
    stranger.check("staff-sign-in")
    stranger.page.locator("main form button[type=submit]").click()
    stranger.page.locator(".govuk-error-summary").wait_for()
    stranger.check("staff-sign-in-error")
    for state in (State.REVIEW, State.SETTLED, State.CLOSED):
        builders.make_case(state)
    releases.publish()
    window = visit(builders.signed_in(rita), width=width)
    window.go(f"/{language}/regulator/")
    window.page.locator("details summary").click()
    window.check("regulator-numbers")


def test_staff_decide_a_case_without_javascript(visit: Visitor, sam: User, lee: User) -> None:
    case = reviewed(certain=2, probable=1)
    client = builders.signed_in(sam)
    look_at(client, case)
    window = visit(client, javascript=False)
    window.go(f"/en/staff/cases/{case.code}/")
    window.press("Approve the ticked images")
    assert window.heading == "Delete 2 images?"
    window.press("Delete 2 images")
    window.page.get_by_role("button", name="Decide 1 unclear image").click()
    window.page.get_by_label("Leave").check()
    window.press("Propose to a second person")
    window.press("Take back")
    assert Proposal.objects.get().outcome == Outcome.TAKEN_BACK
    assert Takedown.objects.count() == 2


def test_faces_are_shown_only_after_unlocking(visit: Visitor, sam: User, tmp_path: Path) -> None:
    case = _case_with_a_picture(tmp_path)
    window = visit(builders.signed_in(sam))
    window.go(f"/en/staff/cases/{case.code}/")
    assert window.page.get_by_alt_text("Image 1").count() == 0
    assert window.page.get_by_alt_text("Photo 1 that the subject gave").count() == 0
    window.page.get_by_role("link", name="Unlock with a purpose").click()
    window.page.get_by_label("Compare the photo with the matches").check()
    window.press("Unlock for 15 minutes")
    photo = window.page.get_by_alt_text("Photo 1 that the subject gave")
    assert photo.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    window.check("staff-case-unlocked")


def _case_with_a_picture(folder: Path) -> Case:
    builders.harvest(folder, {"ana.jpg": builders.astronaut_jpeg()})
    case = builders.assign(builders.make_case(State.REVIEW, route=Route.PHOTO))
    for found in service.search(personal.probes(case)).matches:
        Match.objects.create(
            case=case, image_id=found.image_id, face_id=found.face_id, similarity=found.similarity, band=Band.CERTAIN
        )
    return case
