"""The longest codes, references, addresses and names that there can be wrap on the narrowest screen.

From the first page of each role every link is followed, so that a new page is looked at without being named here.
"""

from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import resolve
from django.utils import translation
from pytest_django import Settings

from matching.types import Scope
from portal.accounts.models import User
from portal.blocks import codes, exemptions
from portal.blocks.models import Ground
from portal.cases import actions, decisions
from portal.cases.models import Band, Case, Match, Route
from portal.cases.states import State
from portal.core import clock
from portal.jobs import queue, run
from portal.jobs.models import Job
from portal.jobs.models import State as JobState
from portal.ledger import publication, signers, verify
from portal.notices.models import Channel, Notice, Recipient
from portal.notices.states import NoticeState
from portal.orders import actions as orders
from portal.residents import certificates
from portal.statistics import releases
from portal.takedowns import holds
from portal.takedowns.models import HoldReason
from tests import builders
from tests.browser.conftest import Visit, Visitor
from tests.ledger.world import KEY, World
from tests.notices.build import reached
from tests.staff.build import look_at, numbers, with_photo

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "regulator"])
LANGUAGES = pytest.mark.parametrize("language", ["en", "fr"])
# As long as the columns and standards allow, with nothing in it at which a line may break.
SITE = ".".join(["w" * 63, "w" * 63, "w" * 63, "example"])
URL = f"https://{SITE}/" + "w" * 250
ADDRESS = "w" * 64 + "@" + SITE[-180:]
PAGES_OF_A_KIND = 2
MEASURE = """() => {
    const wide = document.documentElement.scrollWidth, room = window.innerWidth;
    const hidden = (e) => e.closest('.govuk-visually-hidden, .govuk-skip-link, .staff-scroll, .portal-command');
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
    const cut = [...document.querySelectorAll('body *')].filter(
        (e) => !hidden(e) && e.getBoundingClientRect().right > room + 1);
    while (texts.nextNode()) {
        range.selectNodeContents(texts.currentNode);
        const e = texts.currentNode.parentElement;
        if (!hidden(e) && range.getBoundingClientRect().right > room + 1) cut.push(e);
    }
    return [wide, cut.map((e) => `${e.tagName}.${e.className.baseVal ?? e.className}`)];
}"""

LINES = """(e) => {
    const range = document.createRange();
    range.selectNodeContents(e.firstChild);
    return range.getClientRects().length;
}"""


def fits(window: Visit) -> None:
    """Nothing reaches beyond the window, neither by scrolling nor cut off, but for what scrolls by itself."""
    assert window.page.viewport_size is not None
    wide, cut = window.page.evaluate(MEASURE)
    assert (wide, cut) == (window.page.viewport_size["width"], []), f"{window.page.url}: {cut}"


ELSEWHERE = "residents:exit"  # leaves for a page that is not ours


def look_at_every_page(window: Visit, start: str) -> set[str]:
    """Follow each link from `start` on; of pages of one kind, two. Returns the kinds."""
    waiting, seen, counts = [start], {start}, Counter[str]()
    while waiting:
        path = waiting.pop()
        language = translation.get_language_from_path(path)
        with translation.override(language):
            kind = resolve(urlsplit(path).path).view_name
        if counts[kind] == PAGES_OF_A_KIND or kind == ELSEWHERE:
            continue
        counts[kind] += 1
        window.go(path)
        fits(window)
        for link in window.page.eval_on_selector_all("a[href]:not([download])", "links => links.map(a => a.href)"):
            parts = urlsplit(link)
            found = parts.path + (f"?{parts.query}" if parts.query else "")
            here = link.startswith(window.site) and translation.get_language_from_path(parts.path) == language
            if here and not parts.path.endswith((".csv", ".py")) and found not in seen:
                seen.add(found)
                waiting.append(found)
    return set(counts)


@pytest.fixture
def named(sam: User, lee: User, rita: User) -> None:
    for account in (sam, lee, rita):
        account.name = (account.name * 80)[:80]
        account.save(update_fields=["name"])


def case_to_decide(**bands: int) -> Case:
    case = builders.assign(
        builders.make_case(State.REVIEW, address=ADDRESS, addresses=[URL]), *User.objects.filter(role="staff")[:2]
    )
    with_photo(case)
    for number, band in enumerate(name for name, how_many in bands.items() for _ in range(how_many)):
        Match.objects.create(
            case=case,
            image_id=builders.indexed_image(site=SITE),
            face_id=number,
            similarity=0.99,
            band=Band(band),
        )
    return case


@pytest.fixture
def work_of_staff(named: None, sam: User, lee: User) -> None:
    """Something on every page, each word of it as long as it can be."""
    case, other = case_to_decide(certain=2, probable=2), case_to_decide(certain=2, probable=1)
    look_at(builders.signed_in(sam), case)
    look_at(builders.signed_in(sam), other)
    decisions.approve(other, by=sam, matches=numbers(other, "certain")[:1])
    for by in (lee, sam):
        look_at(builders.signed_in(by), other)
        third = case_to_decide(probable=1)
        look_at(builders.signed_in(by), third)
        decisions.propose_decision(third, by=by, delete=numbers(third, "probable"))
        orders.propose_scope(Scope(site=SITE), by=by, authority="w" * 120, reference="w" * 80)
        exemptions.propose(URL, Ground.PERSON_ASKED, by=by)
        held = builders.indexed_image()
        holds.propose([held], HoldReason.CHILD_ABUSE, by=by)
    running = orders.propose_scope(Scope(site=SITE), by=lee, authority="w" * 120, reference="w" * 80)
    builders.look_at_order(running, sam, lee)
    orders.confirm(running, by=sam)
    exemptions.confirm(exemptions.propose(URL + "x", Ground.PERSON_ASKED, by=lee), by=sam)
    builders.place_hold([builders.indexed_image()], lee, sam, HoldReason.CHILD_ABUSE)
    acme = reached("w" * 80, Channel.MAIL, ADDRESS, by=(sam, lee))
    unknown = Recipient.objects.create(
        code="v" * 80, proposed_channel=Channel.WEBHOOK, proposed_endpoint=URL[:500], proposed_by=lee
    )
    for recipient in (acme, unknown):
        Notice.objects.create(
            recipient=recipient,
            opened_at=clock.now(),
            closes_at=clock.now(),
            state=NoticeState.STUCK,
            last_error="E" * 80,
        )
    run.beat("worker@" + "w" * 33)
    queue.enqueue("case.search", case.code)
    Job.objects.update(state=JobState.DEAD, last_error="E" * 80)


@LANGUAGES
def test_staff_pages_fit(visit: Visitor, work_of_staff: None, sam: User, language: str) -> None:
    window = visit(builders.signed_in(sam), width=320)
    kinds = look_at_every_page(window, f"/{language}/staff/")
    assert kinds >= {
        *("staff:queue", "staff:case", "staff:unlock", "staff:refuse", "staff:proposal", "staff:hold"),
        *("staff:orders", "staff:order", "staff:order-new", "staff:order-hold", "staff:holds", "staff:hold-hand-over"),
        *("staff:recipients", "staff:channel", "staff:exemptions", "staff:system"),
    }
    for case in Case.objects.filter(state=State.REVIEW):
        for page in ("approve", "decide"):
            window.go(f"/{language}/staff/cases/{case.code}/{page}/")
            fits(window)
            choices = window.page.locator(".staff-card__choice label").all()
            assert all(choice.evaluate(LINES) == 1 for choice in choices), "a word of a choice is broken"


@LANGUAGES
def test_a_regulators_pages_fit(
    visit: Visitor, named: None, rita: User, language: str, settings: Settings, tmp_path: Path
) -> None:
    settings.KEY_STORE = tmp_path
    signers.create(f"{SITE}/ledger")
    for state in (State.REVIEW, State.CLOSED):
        builders.make_case(state)
    publication.publish()
    window = visit(builders.signed_in(rita), width=320)
    releases.publish()
    assert "regulators:numbers" in look_at_every_page(window, f"/{language}/regulator/")
    window.go(f"/{language}/regulator/")
    window.page.locator("details summary").click()
    fits(window)


@pytest.fixture
def mails(settings: Settings, tmp_path: Path) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    mail = EmailMessage("w" * 200, f"{URL}\n\n{'w' * 200}", to=[ADDRESS])
    mail.attach("w" * 100, b"", "application/octet-stream")
    mail.send()


STEPS = ("place", "contact", "code", "consent", "addresses", "check")
STEPS_WITH_PHOTO = ("photo", "keep-out", "check")


def draft() -> Client:
    return builders.session_of(builders.make_case(address=ADDRESS, addresses=[URL]))


def draft_with_photo() -> Client:
    return builders.session_of(builders.make_case(address=ADDRESS, route=Route.PHOTO))


def sent() -> Client:
    case = builders.make_case(State.RECEIVED, route=Route.PHOTO, address=ADDRESS, keep_out=True)
    return builders.session_of(case)


def withdrawn() -> Client:
    return builders.session_of(builders.make_case(State.WITHDRAWN))


def kept_out() -> Client:
    case = builders.make_case(route=Route.PHOTO)
    actions.keep_out(case, wanted=True)
    actions.submit(case)
    browser = Client()
    browser.post("/en/keep-out/", {"code": codes.of(case.key_id)})
    return browser


@LANGUAGES
def test_a_residents_pages_fit(visit: Visitor, language: str) -> None:
    kinds = look_at_every_page(visit(sent(), width=320), f"/{language}/request/done/")
    own = ("case", "withdraw", "verify", "keep-out-code", "keep-out-lost", "mailbox", "status")
    assert kinds >= {f"residents:{name}" for name in own}
    for browser, pages in (
        (draft(), [f"request/{step}/" for step in STEPS]),
        (draft_with_photo(), [f"request/{step}/" for step in STEPS_WITH_PHOTO]),
        (withdrawn(), ["status/case/"]),
        (kept_out(), ["keep-out/yours/", "keep-out/end/"]),
    ):
        window = visit(browser, width=320)
        for page in pages:
            window.go(f"/{language}/{page}")
            assert urlsplit(window.page.url).path == f"/{language}/{page}"
            fits(window)


@LANGUAGES
def test_the_keep_out_code_is_shown_whole(visit: Visitor, language: str) -> None:
    window = visit(sent(), width=320)
    window.go(f"/{language}/request/done/")
    code = codes.of(Case.objects.get().key_id)
    shown = window.page.get_by_text(code, exact=True).bounding_box()
    assert shown is not None
    assert 0 <= shown["x"] < shown["x"] + shown["width"] <= 320


@LANGUAGES
def test_the_mailbox_fits(visit: Visitor, mails: None, language: str) -> None:
    window = visit(width=320)
    window.go(f"/{language}/mailbox/")
    assert window.page.locator(".portal-mail").count() == 1
    fits(window)


@LANGUAGES
def test_a_receipt_that_was_checked_and_its_certificate_fit(
    visit: Visitor, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "own_keys", lambda: [verify.parse_key(KEY)])
    window = visit(width=320)
    window.go(f"/{language}/verify/")
    window.page.locator("[name=receipt_text]").fill(World(5).receipt(3).decode())
    window.page.locator("[name=key]").fill(KEY)
    window.page.locator("[data-portal-receipt] button[type=submit]").click()
    window.page.locator("#result").wait_for()
    fits(window)
    window.page.locator("[name=print]").click()
    window.page.locator(".code").first.wait_for()
    window.page.wait_for_load_state("load")
    fits(window)
