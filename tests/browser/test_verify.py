"""Checking a receipt in a browser: a scanned code, a dropped file, and without JavaScript."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pytest_django import Settings

from portal.ledger import signers
from portal.residents import certificates
from tests.browser.conftest import WIDTHS, Visitor
from tests.ledger.world import KEY, SIGNER, World

SIZES = pytest.mark.parametrize("width", WIDTHS)
LANGUAGES = pytest.mark.parametrize("language", ["en", "fr"])
CHECK = {"en": "Check", "fr": "Vérifier"}
GOOD = {"en": "This receipt checks out", "fr": "Ce reçu est authentique"}
RECEIPT = World(5).receipt(3)


@pytest.fixture(autouse=True)
def own_key(settings: Settings, tmp_path: Path) -> None:
    """A certificate is only of what the site's own log signed."""
    settings.KEY_STORE = tmp_path
    signers.create(SIGNER.name)
    signers.write([SIGNER])


@SIZES
@LANGUAGES
def test_a_scanned_code_fills_in_the_receipt(visit: Visitor, language: str, width: int) -> None:
    window = visit(width=width)
    scanned = urlsplit(certificates.address(RECEIPT, language))
    window.go(f"{scanned.path}#{scanned.fragment}")
    window.page.wait_for_function("document.querySelector('[name=receipt_text]').value.length > 100")
    assert "#" not in window.page.url
    window.page.locator("[name=key]").fill(KEY)
    window.check("verify")
    window.press(CHECK[language])
    window.page.get_by_role("heading", name=GOOD[language]).wait_for()
    window.check("verified")


ELSEWHERE = RECEIPT.replace(b"\nindex 3\n", b"\nindex 2\n")
RENAMED = RECEIPT[:-100] + RECEIPT[-99:]  # a letter is missing in the name of who signed
VERDICTS = {
    "This receipt does not check out": ELSEWHERE,
    "No key given here signed this": RENAMED,
    "This receipt cannot be read": RECEIPT[:-90],
}


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_file_is_checked_without_javascript(visit: Visitor, tmp_path: Path, verdict: str) -> None:
    file = tmp_path / "receipt.tlog-proof"
    file.write_bytes(VERDICTS[verdict])
    assert VERDICTS[verdict] != RECEIPT
    window = visit(javascript=False)
    window.go("/en/verify/")
    window.page.locator("[name=receipt_file]").set_input_files(file)
    window.page.locator("[name=key]").fill(KEY)
    window.press("Check")
    window.page.get_by_role("heading", name=verdict).wait_for()


def test_the_printed_certificate_is_in_order(visit: Visitor) -> None:
    window = visit()
    window.go("/en/verify/")
    window.page.locator("[name=receipt_text]").fill(RECEIPT.decode())
    window.page.locator("[name=key]").fill(KEY)
    window.press("Check")
    window.press("Open it to print")
    assert window.heading == "Certificate"
    window.check("certificate")
