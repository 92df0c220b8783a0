"""A certificate says on one page what a receipt proves. It is made of the receipt alone, so it says nothing more.

Tagged PDF (PDF/UA-1) where the system has Pango; else the same as a page that a browser prints.
"""

import base64
import hashlib
import importlib
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

from portal.ledger import verify
from portal.ledger.verify import Key, Report

STYLES = "certificate.css"
RAW_DEFLATE = -15  # zlib's number for a stream without header, as browsers unpack it


class NotProven(Exception):
    """The receipt does not verify, so nothing is certified."""


@dataclass(frozen=True)
class Certificate:
    reference: str
    received_on: str
    digest: str  # SHA-256 of the receipt, in hexadecimal
    shown: tuple[str, ...]
    not_shown: tuple[str, ...]
    key: str
    qr: str  # the receipt itself, as a picture in a data URI; empty where it is too long for one


def make(receipt: bytes, keys: list[Key], *, language: str) -> Certificate:
    """Errors: NotProven."""
    report = verify.examine(receipt, keys)
    if report.status != verify.SHOWN:
        raise NotProven
    parsed = verify.parse_receipt(receipt)
    body, signed_by = parsed.opening["body"], verify.read_note(parsed.note, keys)[1]
    return Certificate(
        reference=body.get("reference", ""),
        received_on=body.get("received_on", ""),
        digest=hashlib.sha256(receipt).hexdigest(),
        shown=sentences(report, "shown", language),
        not_shown=sentences(report, "not_shown", language),
        key=str(signed_by[0]),
        qr=qr(receipt, language),
    )


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
