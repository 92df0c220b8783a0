"""A certificate says on one page what a receipt proves. It is made of the receipt alone, so it says nothing more.

Tagged PDF (PDF/UA-1) where the system has Pango; else the same as a page that a browser prints.
"""

import base64
import hashlib
import importlib
import re
import zlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import segno
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from segno import DataOverflowError

from portal.ledger import rotation, signers, verify
from portal.ledger.verify import Key, Receipt, Rejected, Report

STYLES = "certificate.css"
# Setting a PDF takes about 10 ms a step; the certificate counts them all.
MOST_STEPS = 60
RAW_DEFLATE = -15  # zlib's number for a stream without header, as browsers unpack it


class NotProven(Exception):
    """The log's own keys did not sign the receipt, or it does not verify, so nothing is certified."""


@dataclass(frozen=True)
class Certificate:
    reference: str
    received_on: str
    digest: str  # SHA-256 of the receipt, in hexadecimal
    shown: tuple[str, ...]
    not_shown: tuple[str, ...]
    key: str
    qr: str  # the receipt itself, as a picture in a data URI; empty where it is too long for one


def make(receipt: bytes, *, language: str) -> Certificate:
    """By the log's own keys alone, whatever keys somebody else gives. Errors: NotProven."""
    keys = own_keys()
    report = verify.examine(receipt, keys, most_steps=MOST_STEPS)
    if report.receipt is None:
        raise NotProven
    issued, body = report.receipt.text.encode(), report.receipt.opening["body"]
    return Certificate(
        reference=body.get("reference", ""),
        received_on=body.get("received_on", ""),
        digest=hashlib.sha256(issued).hexdigest(),
        shown=sentences(report, "shown", language),
        not_shown=sentences(report, "not_shown", language),
        key=str(verify.read_note(report.receipt.signed.note, keys)[1][0]),
        qr=qr(issued, language),
    )


def own_keys() -> list[Key]:
    """Those of receipts of any age, without compromised ones; none before the log has one."""
    try:
        return [verify.parse_key(str(key)) for key in rotation.trusted()]
    except signers.NoKey:
        return []


def is_ours(receipt: Receipt) -> bool:
    try:
        verify.parse_checkpoint(receipt.signed.note, own_keys())
    except Rejected:
        return False
    return True


def file_name(certificate: Certificate) -> str:
    """Of letters, digits and hyphens alone, whatever the receipt says."""
    return (re.sub(r"[^A-Za-z0-9-]", "", certificate.reference)[:40] or "receipt") + ".pdf"


def sentences(report: Report, mark: str, language: str) -> tuple[str, ...]:
    return tuple(sentence for was, sentence in report.spoken(language) if was == mark)


def qr(receipt: bytes, language: str) -> str:
    """The address of the page that checks it, with the receipt behind the #, which no browser sends anywhere."""
    try:
        code = segno.make_qr(address(receipt, language), error="l")
    except DataOverflowError:  # a receipt with an opened record
        return ""
    return str(code.svg_data_uri(scale=2, border=4))


def address(receipt: bytes, language: str) -> str:
    packer = zlib.compressobj(9, zlib.DEFLATED, RAW_DEFLATE)
    packed = base64.urlsafe_b64encode(packer.compress(receipt) + packer.flush()).rstrip(b"=").decode()
    with translation.override(language):
        return f"{settings.SITE_URL}{reverse('residents:verify')}#{packed}"


def page(certificate: Certificate, *, for_pdf: bool = False) -> str:
    """HTML in the language that is active now."""
    context = {"certificate": certificate, "operator": settings.OPERATOR_NAME, "for_pdf": for_pdf}
    return render_to_string("residents/certificate.html", context)


def pdf(certificate: Certificate) -> bytes | None:
    """PDF/UA-1 in the language that is active now; None where the system has no Pango."""
    weasyprint = printer()
    if weasyprint is None:
        return None
    document = weasyprint.HTML(string=page(certificate, for_pdf=True), url_fetcher=only_inline(weasyprint))
    styles = [weasyprint.CSS(filename=found)] if (found := finders.find(STYLES)) else []
    return bytes(document.write_pdf(stylesheets=styles, pdf_variant="pdf/ua-1"))


@cache
def printer() -> Any | None:
    """Loaded when the first certificate is: it takes half a second, and raises where Pango is missing."""
    try:
        return importlib.import_module("weasyprint")
    except OSError:
        return None


def only_inline(weasyprint: Any) -> Any:
    """Nothing is fetched: what a page holds is all of it."""
    return weasyprint.URLFetcher(allowed_protocols={"data"}, fail_on_errors=True)
