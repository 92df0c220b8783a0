"""Nothing a resident can observe depends on whether their face is in the index, or on what staff decided about it.

The same case is filed against an index that holds the face and one that does not; every page, header, cookie, mail
and answer is compared byte by byte, with only references, tokens and times replaced. What a stopwatch could see is
tested elsewhere.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponseBase
from django.test import Client
from pytest_django import Settings

from portal.accounts.models import User
from portal.audit.models import Root
from portal.blocks import choices, codes
from portal.blocks.models import Choice
from portal.cases import decisions
from portal.cases.models import Case, Match
from portal.cases.states import State
from portal.core import clock
from portal.demo import pictures
from portal.ledger import signers
from portal.ledger.models import Leaf
from portal.operations import publication
from tests.builders import astronaut_jpeg, harvest, look_at

pytestmark = pytest.mark.django_db(transaction=True)
Drain = Callable[[], int]
Staff = Callable[[Case], object]

_REPLACED = (
    (re.compile(r'(name="csrfmiddlewaretoken" value=")[^"]+'), r"\1TOKEN"),
    (re.compile(r"\b[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){4}\b"), "KEEP-OUT-CODE"),
    (re.compile(r"\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b"), "REFERENCE"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "ID"),
    (re.compile(r"\b\d{6}\b"), "CODE"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)?"), "INSTANT"),
    (
        re.compile(
            r"\b\d{1,2}(:\d\d)? (a|p)\.m\.|\bnoon\b|\bmidnight\b|\b\d\d:\d\d(:\d\d)?\b|\b\d{1,2}\s?h(\s?\d\d)?\b"
        ),
        "TIME",
    ),
)
# Set anew for each answer; the length is compared through the body, whose times may be longer or shorter.
_UNCOMPARED_HEADERS = {"Content-Length", "Expires", "Set-Cookie"}


def canonical(text: str) -> str:
    for pattern, replacement in _REPLACED:
        text = pattern.sub(replacement, text)
    return text


class Resident:
    """A browser that writes down everything it is given."""

    def __init__(self) -> None:
        self.client = Client()
        self.seen: list[tuple[str, ...]] = []
        self.mails_read = len(mail.outbox)

    def get(self, path: str) -> None:
        self._see(f"GET {path}", self.client.get(path))

    def post(self, path: str, values: dict[str, Any]) -> None:
        self._see(f"POST {path}", self.client.post(path, values))

    def read_mail(self) -> str:
        """Note every new mail, header by header; returns the text of the newest."""
        for message in mail.outbox[self.mails_read :]:
            raw = message.message()
            headers = sorted(f"{name}: {value}" for name, value in raw.items() if name not in {"Date", "Message-ID"})
            attached = [f"{canonical(name)} {_sizes(content)}" for name, content, _type in message.attachments]
            self.seen.append(("MAIL", canonical("\n".join(headers)), canonical(str(message.body)), *attached))
        self.mails_read = len(mail.outbox)
        return str(mail.outbox[-1].body)

    def _see(self, what: str, answer: HttpResponseBase) -> None:
        headers = sorted(f"{k}: {canonical(v)}" for k, v in answer.items() if k not in _UNCOMPARED_HEADERS)
        cookies = sorted(
            f"{name} {sorted((k, v) for k, v in cookie.items() if k != 'expires')} {len(cookie.value)}"
            for name, cookie in answer.cookies.items()
        )
        body = b"".join(answer) if answer.streaming else answer.content  # type: ignore[attr-defined]
        self.seen.append(
            (what, str(answer.status_code), *headers, *cookies, canonical(body.decode(errors="backslashreplace")))
        )


def _sizes(receipt: bytes) -> list[int]:
    """The length of each line of a receipt but its place in the ledger and the path from there, which are random."""
    lines = receipt.decode().split("\n")
    return [len(line) for line in [*lines[:2], *lines[lines.index("") :]]]


def look_everywhere(resident: Resident) -> None:
    """Every page and answer that a resident's session can reach once the case is sent in."""
    for path in (
        "/en/",
        "/en/request/done/",
        "/en/status/",
        "/en/status/case/",
        "/fr/status/case/",
        "/en/withdraw/",
        "/en/request/place/",
        "/en/request/photo/",
        "/en/request/check/",
        "/en/request/own-photo/1/",
        "/api/v1/case/",
        "/en/staff/",
        "/en/regulator/",
    ):
        resident.get(path)


def look_at_keep_out(resident: Resident, code: str) -> None:
    """With the keep-out code alone, from another browser; nothing is renewed or ended."""
    window, resident.client = resident.client, Client()
    resident.get("/en/keep-out/")
    resident.post("/en/keep-out/", {"code": code})
    resident.get("/en/keep-out/yours/")
    resident.get("/fr/keep-out/yours/")
    resident.get("/en/keep-out/end/")
    resident.client = window


def file_a_case(resident: Resident, drain: Drain, photo: bytes) -> Case:
    resident.get("/en/request/place/")
    resident.post("/en/request/place/", {"place": "CA-ON"})
    resident.post("/en/request/contact/", {"contact": "ana@example.org"})
    drain()
    found = re.search(r"\b\d{6}\b", resident.read_mail())
    assert found is not None
    resident.post("/en/request/code/", {"code": found.group()})
    resident.post("/en/request/consent/", {"route": "photo", "agreed": "on"})
    resident.post("/en/request/photo/", {"photo": SimpleUploadedFile("me.jpg", photo, "image/jpeg")})
    resident.get("/en/request/keep-out/")
    resident.post("/en/request/keep-out/", {"keep_out": "yes"})
    resident.get("/en/request/check/")
    resident.post("/en/request/check/", {})
    return Case.objects.latest("opened_at")


def come_back(resident: Resident, case: Case, drain: Drain) -> None:
    """From another browser, with the reference and a mailed code."""
    before = len(mail.outbox)
    resident.client = Client()
    resident.post("/en/status/", {"reference": case.reference, "contact": "ana@example.org"})
    drain()
    resident.seen.append(("MAILS", str(len(mail.outbox) - before)))
    found = re.search(r"\b\d{6}\b", resident.read_mail()) if len(mail.outbox) > before else None
    resident.post("/en/status/code/", {"code": found.group() if found else "000000"})
    resident.get("/en/status/case/")


def leaves_of_cases() -> int:
    """The trail's own leaves come once a day, whatever happens in any case."""
    return Leaf.objects.count() - Root.objects.count()


def live_through(staff: Staff, drain: Drain, photo: bytes) -> tuple[list[tuple[str, ...]], Case]:
    """One case from the first page to long after its end, everything observed on the way."""
    leaves_before = leaves_of_cases()
    resident = Resident()
    case = file_a_case(resident, drain, photo)
    code = codes.of(case.key_id)
    drain()
    resident.read_mail()
    look_everywhere(resident)
    look_at_keep_out(resident, code)
    staff(Case.objects.get(pk=case.pk))
    drain()
    come_back(resident, case, drain)
    clock.move(timedelta(days=3))
    publication.publish("")
    drain()
    look_everywhere(resident)
    look_at_keep_out(resident, code)
    clock.move(timedelta(days=4, minutes=1))
    drain()
    resident.read_mail()
    look_everywhere(resident)
    look_at_keep_out(resident, code)
    come_back(resident, case, drain)
    clock.move(timedelta(days=40))
    publication.publish("")
    drain()
    resident.read_mail()
    look_everywhere(resident)
    look_at_keep_out(resident, code)
    clock.reset()
    resident.seen.append(("LEAVES", str(leaves_of_cases() - leaves_before)))
    return resident.seen, Case.objects.get(pk=case.pk)


def same(one: list[tuple[str, ...]], other: list[tuple[str, ...]]) -> None:
    for seen_one, seen_other in zip(one, other, strict=True):
        assert seen_one == seen_other


@pytest.fixture(autouse=True)
def log_key(settings: Settings, tmp_path: Path) -> None:
    settings.KEY_STORE = tmp_path / "key-store"
    signers.create()


@pytest.fixture
def without_the_face(tmp_path: Path, drain: Drain) -> list[tuple[str, ...]]:
    """What a resident sees whose face is not in the index; other people are."""
    pictures.write(tmp_path / "pictures")
    others = tmp_path / "pictures" / "others" / "six-people.jpg"
    harvest(tmp_path, {"others.jpg": others.read_bytes()})
    seen, case = live_through(lambda case: None, drain, astronaut_jpeg())
    assert case.state == State.CLOSED
    # Or the same face could not be harvested for the other index.
    choices.revoke(Choice.objects.get(pk=case.code))
    return seen


@pytest.mark.parametrize("outcome", ["approve", "refuse", "leave", "nobody decides"])
def test_a_resident_cannot_tell_whether_their_face_is_in_the_index(
    outcome: str, without_the_face: list[tuple[str, ...]], drain: Drain, tmp_path: Path, sam: User, lee: User
) -> None:
    harvest(tmp_path, {"a.jpg": astronaut_jpeg(size=256), "b.jpg": astronaut_jpeg(quality=30)})

    def staff(case: Case) -> None:
        assert case.state == State.REVIEW
        matches = list(Match.objects.filter(case=case).values_list("pk", flat=True))
        assert len(matches) == 2
        if outcome == "approve":
            look_at(case, sam)
            decisions.approve(case, by=sam, matches=matches)
        elif outcome == "refuse":
            look_at(case, sam, lee)
            decisions.confirm(decisions.propose_refusal(case, by=sam, reason="another_person"), by=lee)
        elif outcome == "leave":
            look_at(case, sam, lee)
            decisions.confirm(decisions.propose_decision(case, by=sam, delete=[]), by=lee)

    seen, case = live_through(staff, drain, astronaut_jpeg())
    if outcome == "nobody decides":
        assert case.state == State.REVIEW
    assert [receipt for receipt in seen if "tlog-proof" in receipt[-1]] != []
    same(seen, without_the_face)


def test_the_comparison_notices_a_single_changed_byte(without_the_face: list[tuple[str, ...]]) -> None:
    for place, seen in enumerate(without_the_face):
        changed = list(without_the_face)
        changed[place] = (*seen[:-1], seen[-1] + " ")
        with pytest.raises(AssertionError):
            same(changed, without_the_face)
