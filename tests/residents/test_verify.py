"""The public page that checks a receipt, and the certificate made of it."""

import base64
import hashlib
import io
import logging
import re
import zlib
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import translation

from portal.ledger import verify
from portal.residents import certificates
from tests.ledger.world import KEY, OTHER, OTHER_KEY, World, keys_of

pytestmark = pytest.mark.django_db
WORLD = World(5)
PAGE, CERTIFICATE = "/en/verify/", "/en/verify/certificate/"


def file(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("receipt.tlog-proof", content)


def body(content: bytes) -> str:
    return re.sub(r"\s+", " ", content.decode())


def test_a_dropped_receipt_checks_out(client: Client) -> None:
    answer = client.post(PAGE, {"receipt_file": file(WORLD.receipt(3)), "key": KEY})
    assert answer.status_code == 200
    assert "This receipt checks out" in body(answer.content)
    assert "Entry 4 of the 5 entries" in body(answer.content)


def test_a_pasted_receipt_does_as_well(client: Client) -> None:
    """Browsers send line ends as CRLF, and the last one is easily lost."""
    text = WORLD.receipt(3).decode().replace("\n", "\r\n").strip()
    answer = client.post(PAGE, {"receipt_text": text, "key": KEY})
    assert "This receipt checks out" in body(answer.content)


@pytest.mark.parametrize("at", range(0, len(WORLD.receipt(3)), 97))
def test_a_changed_receipt_does_not(client: Client, at: int) -> None:
    changed = bytearray(WORLD.receipt(3))
    changed[at] ^= 1
    answer = client.post(PAGE, {"receipt_file": file(bytes(changed)), "key": KEY})
    assert answer.status_code == 422
    assert "This receipt does not check out" in body(answer.content)


def test_it_believes_the_key_that_is_given_and_no_other(client: Client) -> None:
    answer = client.post(PAGE, {"receipt_file": file(WORLD.receipt(3)), "key": OTHER_KEY})
    assert answer.status_code == 422
    assert "No key given here signed this" in body(answer.content)
    assert "does not check out" not in body(answer.content)
    assert "None of the keys given signed" in body(answer.content)


def test_a_checkpoint_of_another_history_is_a_fork(client: Client) -> None:
    other = World(5, seed=1).checkpoint().decode()
    answer = client.post(PAGE, {"receipt_file": file(WORLD.receipt(3)), "key": KEY, "checkpoint": other})
    assert answer.status_code == 422
    assert "the log showed two histories" in body(answer.content)


def test_a_checkpoint_of_the_same_history_agrees(client: Client) -> None:
    mine = WORLD.checkpoint().decode()
    answer = client.post(PAGE, {"receipt_file": file(WORLD.receipt(3)), "key": KEY, "checkpoint": mine})
    assert "tell the same history" in body(answer.content)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"key": KEY}, "Choose the receipt file, or paste its text."),
        ({"receipt_text": "x", "key": ""}, "Enter the ledger’s public key"),
        ({"receipt_text": "x", "key": "x+y+z"}, "That is not a ledger’s public key"),
        ({"receipt_text": "x" * 1_000_001, "key": KEY}, "larger than any receipt"),
    ],
)
def test_what_is_missing_is_asked_for(client: Client, given: dict[str, str], sentence: str) -> None:
    answer = client.post(PAGE, given)
    assert answer.status_code == 422
    assert sentence in body(answer.content)


def test_it_keeps_and_logs_nothing_of_what_is_given(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        client.post(PAGE, {"receipt_file": file(WORLD.receipt(3)), "key": KEY})
    assert "ABCD-1234" not in caplog.text
    assert not client.session.keys()


def test_the_program_can_be_had_there(client: Client) -> None:
    answer = client.get("/en/verify/verify.py")
    assert answer.content.startswith(b"#!/usr/bin/env python3")
    assert compile(answer.content, "verify.py", "exec")


def unpacked(pdf: bytes) -> bytes:
    """Its objects lie in compressed streams."""
    streams = re.findall(rb"stream\n(.*?)\nendstream", pdf, flags=re.DOTALL)
    return pdf + b"".join(zlib.decompressobj().decompress(stream) for stream in streams if stream.startswith(b"x"))


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_certificate_is_a_tagged_pdf(client: Client, language: str) -> None:
    if certificates.printer() is None:
        pytest.fail("The tests need Pango (Debian: libpangoft2-1.0-0); Chromium brings it along.")
    given = {"receipt_text": WORLD.receipt(3).decode(), "key": KEY}
    answer = client.post(f"/{language}/verify/certificate/", given)
    assert answer["Content-Type"] == "application/pdf"
    assert "ABCD-1234.pdf" in answer["Content-Disposition"]
    assert answer.content.startswith(b"%PDF-")
    for part in (b"/StructTreeRoot", b"/MarkInfo", b"pdfuaid", f"/Lang ({language})".encode()):
        assert part in unpacked(answer.content)


def test_it_can_be_printed_where_no_pdf_can_be_made(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "printer", lambda: None)
    answer = client.post(CERTIFICATE, {"receipt_text": WORLD.receipt(3).decode(), "key": KEY})
    assert answer["Content-Type"].startswith("text/html")
    assert "ABCD-1234" in body(answer.content)
    assert "What is not" in body(answer.content)


def test_a_forged_receipt_gets_no_certificate(client: Client) -> None:
    forged = World(5, signer=OTHER).receipt(3).decode()
    answer = client.post(CERTIFICATE, {"receipt_text": forged, "key": KEY})
    assert answer.status_code == 422
    assert "there is no certificate of it" in body(answer.content)


def test_the_code_holds_the_whole_receipt() -> None:
    receipt = WORLD.receipt(3)
    url = urlsplit(certificates.address(receipt, "fr"))
    packed = base64.urlsafe_b64decode(url.fragment + "=" * (-len(url.fragment) % 4))
    assert zlib.decompress(packed, certificates.RAW_DEFLATE) == receipt
    assert url.path == "/fr/verify/"


def test_a_receipt_from_a_log_of_a_million_entries_still_fits_into_a_code() -> None:
    """Twenty hashes on the way to the root, and three keys that sign."""
    path = "".join(f"{base64.b64encode(bytes([n]) * 32).decode()}\n" for n in range(20)).encode()
    signatures = b"".join(
        f"\u2014 log.example/ledger {base64.b64encode(bytes([n]) * 68).decode()}\n".encode() for n in range(3)
    )
    assert certificates.qr(WORLD.receipt(3) + _shuffled(path) + _shuffled(signatures), "en")


def _shuffled(lines: bytes) -> bytes:
    """As incompressible as real hashes are."""
    return b"".join(base64.b64encode(hashlib.sha512(line).digest()) + b"\n" for line in io.BytesIO(lines))


def test_found_or_not_certificates_are_alike() -> None:
    """Case 0 has no step, case 3 has nine: same words, same length."""
    with translation.override("en"):
        pages = [certificates.page(certificates.make(WORLD.receipt(n), keys_of(KEY), language="en")) for n in (0, 3)]
    without_codes = [re.sub(r'src="[^"]*"', "", page) for page in pages]
    plain = [re.sub(r"[0-9a-f-]{36,64}|Entry \d", "", page) for page in without_codes]
    assert plain[0] == plain[1]
    assert verify.examine(WORLD.receipt(0), keys_of(KEY)).status == verify.SHOWN


@pytest.mark.parametrize(
    ("language", "written", "claimed"),
    [("en", "a notice to those who", "gone from “recipients”"), ("fr", "un avis à ceux", "absente de « recipients »")],
)
def test_page_and_certificate_say_of_a_notice_that_it_was_written(
    client: Client, language: str, written: str, claimed: str
) -> None:
    given = {"receipt_text": WORLD.receipt(3, with_record=True).decode(), "key": KEY, "print": "1"}
    for page in ("verify/", "verify/certificate/"):
        said = body(client.post(f"/{language}/{page}", given).content)
        assert written in said
        assert claimed not in said
