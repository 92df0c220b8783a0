"""What a visitor can make the server do on the page that checks receipts, and on that of certificates, is bounded."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from django.test import Client
from pytest_django import Settings

from portal.ledger import leaves, record, signers, verify
from portal.policies import budgets
from portal.residents import certificates
from portal.residents.views.verify import MOST_STEPS
from tests.ledger.world import KEY, PURGED, SIGNER, Case, World

pytestmark = pytest.mark.django_db
PAGE, CERTIFICATE = "/en/verify/", "/en/verify/certificate/"
RECEIPT = World(5).receipt(3).decode()
SIGNATURE = RECEIPT.splitlines(keepends=True)[-1]


@pytest.fixture(autouse=True)
def own_key(settings: Settings, tmp_path: Path) -> None:
    settings.KEY_STORE = tmp_path
    signers.create(SIGNER.name)
    signers.write([SIGNER])


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[verify.Key]:
    """Every check of a signature, by its key; they are made all the same."""
    made, check = [], verify.check_signature

    def counted(key: verify.Key, signature: bytes, text: str) -> None:
        made.append(key)
        check(key, signature, text)

    monkeypatch.setattr(verify, "check_signature", counted)
    return made


@contextmanager
def within(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


@pytest.mark.parametrize(
    "given",
    [
        {"receipt_text": RECEIPT, "key": f"{KEY}\n" * 1_000},
        {"receipt_text": RECEIPT + SIGNATURE * 7_000, "key": KEY},
        {"receipt_text": RECEIPT + SIGNATURE * 7_000, "key": f"{KEY}\n" * 1_000},
        {"receipt_text": RECEIPT.replace("—", "-") + SIGNATURE * 7_000, "key": f"> {KEY}\n" * 1_000},
    ],
)
def test_a_key_or_a_signature_that_is_repeated_is_looked_at_once(
    client: Client, checks: list[verify.Key], given: dict[str, str]
) -> None:
    answer = client.post(PAGE, given)
    assert "This receipt checks out" in answer.content.decode()
    # Once for the receipt as it stands or mended, once for whether a certificate can be had.
    assert len(checks) <= 3


def test_no_more_keys_and_signatures_are_taken_than_a_log_can_have(client: Client, checks: list[verify.Key]) -> None:
    many = "".join(f"{verify.Key(f'log{n}.example', bytes([n]) * 32)}\n" for n in range(verify.MOST_KEYS + 1))
    answer = client.post(PAGE, {"receipt_text": RECEIPT, "key": many})
    assert "There are more than 64 keys in it" in answer.content.decode()
    other = "".join(SIGNATURE.replace("log.example", f"w{n}.example") for n in range(verify.MOST_SIGNATURES + 1))
    answer = client.post(PAGE, {"receipt_text": RECEIPT + other, "key": KEY})
    assert "bears more than 64 signatures" in answer.content.decode()
    assert checks == []


HOSTILE = {
    "carriage returns": "\r" * 900_000,
    "empty lines": "\n" * 900_000,
    "marks of quoting": "> " * 400_000,
    "quoted empty lines": "> \n" * 15_000,
    "one letter a line": f"{RECEIPT}{'A' * 40}\n" + "A\n" * 19_000,
    "dashes": RECEIPT + "- a\n" * 19_000,
    "many signed texts": f"old 1\n\nx\n\n{SIGNATURE}\n" * 4_000,
    "entities": "&#1;" * 200_000,
    "soft breaks": "=3D" + " " * 900_000 + "x",
    "no letters": "\u200b" * 300_000,
    "a long path": RECEIPT.replace("\nindex", "\nindex 1" + f"\n{'A' * 43}=" * 15_000 + "\nindex"),
    "deep brackets": RECEIPT.replace("\nindex", "W1tb" * 200_000 + "\nindex"),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_keeps_the_server_busy(client: Client, text: str) -> None:
    with within(8):
        assert client.post(PAGE, {"receipt_text": text, "key": KEY}).status_code == 422
    with within(8):
        given = {"receipt_text": RECEIPT, "key": KEY, "checkpoint": text[:100_000]}
        assert client.post(PAGE, given).status_code == 200
    with within(8):
        assert client.post(PAGE, {"receipt_text": RECEIPT, "key": text}).status_code == 422


def long_record(images: int) -> str:
    steps = [
        record.Step(UUID(int=image), store, PURGED, PURGED if store == "index" else "")
        for image in range(images)
        for store in ("derived", "images", "index")
    ]
    made = record.make(steps, finished=True)
    facts = {"case": "1", "reference": "ABCD-1234", "received_on": "2026-03-14", "statute": "ca-pipeda"}
    body = leaves.body(leaves.Kind.CLOSED, {**facts, "record": made.commitment})
    return World(1, made=[Case(bytes(32), body, made)]).receipt(0, with_record=True).decode()


def test_a_record_of_1500_steps_is_counted_in_full_and_told_in_part(client: Client) -> None:
    text = long_record(500)
    page = client.post(PAGE, {"receipt_text": text, "key": KEY}).content.decode()
    assert "This receipt checks out" in page
    assert len(re.findall("Image [0-9a-f]{64}: gone from", page)) == MOST_STEPS
    assert f"The other {1500 - MOST_STEPS} steps that the record states" in page
    assert "each read back afterwards: 1500." in page
    with within(8):
        answer = client.post(CERTIFICATE, {"receipt_text": text})
    assert answer["Content-Type"] == "application/pdf"
    printed = client.post(CERTIFICATE, {"receipt_text": text, "print": "1"}).content.decode()
    assert len(re.findall("Image [0-9a-f]{64}: gone from", printed)) == certificates.MOST_STEPS
    assert "each read back afterwards: 1500." in printed


@pytest.mark.parametrize(
    ("address", "given", "most"),
    [
        (PAGE, {"receipt_text": "x", "key": KEY}, budgets.RECEIPT_CHECKS.most),
        (CERTIFICATE, {"receipt_text": "x", "print": "1"}, budgets.CERTIFICATES.most),
    ],
)
def test_a_visitor_has_a_budget_and_another_has_their_own(
    client: Client, address: str, given: dict[str, str], most: int
) -> None:
    answers = [client.post(address, given).status_code for _ in range(most + 1)]
    assert answers == [422] * most + [429]
    answer = client.post(address, given)
    assert "Wait 1 hour, or check with verify.py instead" in answer.content.decode()
    assert "receipt_text" in answer.content.decode()
    assert client.post(address, given, REMOTE_ADDR="203.0.113.9").status_code == 422
