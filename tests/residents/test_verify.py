"""The public page that checks a receipt, and the certificate made of it."""

import base64
import hashlib
import io
import logging
import re
import zlib
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import translation
from pytest_django import Settings

from portal.ledger import leaves, publication, receipt, rotation, signers, verify
from portal.ledger.models import Leaf
from portal.residents import certificates
from tests.ledger.test_rotation import make_key
from tests.ledger.world import KEY, OTHER, OTHER_KEY, SIGNER, World, keys_of

pytestmark = pytest.mark.django_db
WORLD = World(5)
PAGE, CERTIFICATE = "/en/verify/", "/en/verify/certificate/"


@pytest.fixture(autouse=True)
def own_key(settings: Settings, tmp_path: Path) -> None:
    """The site's log signs with the key of the small world."""
    settings.KEY_STORE = tmp_path
    signers.create(SIGNER.name)
    signers.write([SIGNER])


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
    verdicts = ("This receipt does not check out", "This receipt cannot be read")
    assert sum(verdict in body(answer.content) for verdict in verdicts) == 1
    assert "certificate" not in body(answer.content)


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
        ({"receipt_text": "x", "key": f"{KEY}\nx+y+z"}, "Line 2: That is not a log"),
        ({"receipt_text": "x", "key": f"{KEY}\n{OTHER_KEY[:-4]}"}, "Line 2: That key is mistyped or cut short"),
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
        pages = [certificates.page(certificates.make(WORLD.receipt(n), language="en")) for n in (0, 3)]
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


@pytest.mark.parametrize("size", [1_040_000, 3_000_000])
@pytest.mark.parametrize("address", [PAGE, CERTIFICATE])
def test_a_large_paste_keeps_the_form(client: Client, size: int, address: str) -> None:
    text = "x" * size
    form = f"receipt_text={text}&key={KEY.replace('+', '%2B')}"
    for answer in (
        client.post(address, {"receipt_text": text, "key": KEY}),
        client.post(address, form, content_type="application/x-www-form-urlencoded"),
    ):
        assert answer.status_code == (422 if size < 1_048_576 - 200 else 413)
        assert "larger than any receipt" in body(answer.content)
        assert KEY in answer.content.decode().replace("&#x2B;", "+")


def test_a_body_that_fits_still_needs_its_token() -> None:
    strict = Client(enforce_csrf_checks=True)
    for address in (PAGE, CERTIFICATE):
        assert strict.post(address, {"receipt_text": WORLD.receipt(3).decode(), "key": KEY}).status_code == 403


def test_text_and_file_are_treated_alike(client: Client) -> None:
    mangled = WORLD.receipt(3).decode().replace("\n", "\r\n> ").replace("—", "-")
    pasted = client.post(PAGE, {"receipt_text": f"> {mangled}", "key": f"\ufeff> {KEY}\r\n"})
    dropped = client.post(PAGE, {"receipt_file": file(f"> {mangled}".encode("utf-16")), "key": KEY})
    for answer in (pasted, dropped):
        assert "This receipt checks out" in body(answer.content)
        assert "A mail program or an editor had changed" in body(answer.content)


def test_what_is_no_receipt_is_not_called_forged(client: Client) -> None:
    answer = client.post(PAGE, {"receipt_file": file(b"%PDF-1.7\n"), "key": KEY})
    assert answer.status_code == 422
    assert "This receipt cannot be read" in body(answer.content)
    assert "This is a PDF, perhaps the certificate" in body(answer.content)
    assert "does not check out" not in body(answer.content)


def test_what_is_wrong_with_the_checkpoint_is_said_of_the_checkpoint(client: Client) -> None:
    for checkpoint in ("hello", WORLD.checkpoint().decode().replace("\n5\n", "\n6\n")):
        answer = client.post(PAGE, {"receipt_file": file(WORLD.receipt(3)), "key": KEY, "checkpoint": checkpoint})
        assert answer.status_code == 200
        assert "This receipt checks out" in body(answer.content)
        assert "The receipt is good; this is of checkpoint 1 given beside it" in body(answer.content)


def test_a_checkpoint_of_another_size_is_compared_by_a_proof_from_the_log(client: Client) -> None:
    notes, receipts = [], []
    for _ in range(3):
        leaf = leaves.append(leaves.Kind.CLOSED, key_id=make_key(), commitment={"reference": "ABCD-1234"})
        kept = publication.publish()
        assert kept is not None
        notes.append(kept.note)
        receipts.append(receipt.issue(Leaf.objects.get(pk=leaf.pk)).decode())
    for one in receipts:
        for note in notes:
            answer = client.post(PAGE, {"receipt_text": one, "key": KEY, "checkpoint": note})
            assert "tell the same history" in body(answer.content)
            assert "This receipt checks out" in body(answer.content)
    # The true key signed this as well, of another history.
    answer = client.post(PAGE, {"receipt_text": receipts[0], "key": KEY, "checkpoint": World(2).checkpoint().decode()})
    assert answer.status_code == 422
    assert "This receipt is genuine, but the checkpoint contradicts it" in body(answer.content)
    # Nobody here knows what comes after the newest checkpoint.
    answer = client.post(PAGE, {"receipt_text": receipts[0], "key": KEY, "checkpoint": WORLD.checkpoint().decode()})
    assert answer.status_code == 200
    assert "Whether the checkpoint of 5 entries" in body(answer.content)


def test_a_certificate_is_of_the_logs_own_keys_and_not_of_the_visitors(client: Client) -> None:
    forged = World(5, signer=OTHER).receipt(3).decode()
    answer = client.post(PAGE, {"receipt_text": forged, "key": OTHER_KEY})
    assert "This receipt checks out" in body(answer.content)
    assert "only of receipts that this site’s ledger signed" in body(answer.content)
    assert "Download a certificate" not in body(answer.content)
    answer = client.post(CERTIFICATE, {"receipt_text": forged, "key": OTHER_KEY})
    assert answer.status_code == 422
    assert "there is no certificate of it" in body(answer.content)


def test_a_certificate_is_not_of_a_key_that_was_compromised(client: Client) -> None:
    before = WORLD.receipt(3).decode()
    assert client.post(CERTIFICATE, {"receipt_text": before, "print": "1"}).status_code == 200
    publication.publish()
    rotation.rotate(bytes([5]) * 32, compromised=True)
    assert client.post(CERTIFICATE, {"receipt_text": before, "print": "1"}).status_code == 422


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ('x"; filename="evil.exe', "xfilenameevilexe.pdf"),
        ("ABCD\r\nSet-Cookie: a=b", "ABCDSet-Cookieab.pdf"),
        ("../../etc/passwd", "etcpasswd.pdf"),
        ("Ünï\u202efdp", "nfdp.pdf"),
        ("“”\0", "receipt.pdf"),
        ("A" * 100, "A" * 40 + ".pdf"),
    ],
)
def test_the_certificates_file_name_is_of_letters_and_digits(client: Client, reference: str, name: str) -> None:
    answer = client.post(CERTIFICATE, {"receipt_text": World(1, reference=reference).receipt(0).decode()})
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
