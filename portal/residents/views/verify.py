"""Checking a receipt, for anyone. Nothing that is given here is kept or logged."""

from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.core import uploads
from portal.ledger import log, publication, rotation, signers, verify
from portal.ledger.note import encode
from portal.residents import certificates
from portal.residents.certificates import NotProven
from portal.residents.verify_form import VerifyForm

# A larger log is compared by verify.py, at home.
MOST_LEAVES = 200_000
STATUS = {verify.SHOWN: 200, verify.UNCOMPARED: 200, verify.FORGED: 422, verify.UNSIGNED: 422}


# Exempt only so far that a body too large is refused unread: `_check` checks the token.
@never_cache
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def check(request: HttpRequest) -> HttpResponse:
    if uploads.is_too_large(request):
        return _page(request, VerifyForm.too_large(), status=413)
    return _check(request)


@csrf_protect
def _check(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, VerifyForm(initial={"key": _own_keys()}))
    form = VerifyForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, form, status=422)
    receipt, outside = form.cleaned_data["receipt"], form.cleaned_data["checkpoint"]
    report = verify.examine(receipt, form.cleaned_data["key"], outside=outside, leaves=_leaves() if outside else None)
    lines = report.spoken(_language())
    return _page(
        request,
        form,
        status=STATUS[report.status],
        lines=lines,
        is_good=report.status in (verify.SHOWN, verify.UNCOMPARED),
        is_unsigned=report.status == verify.UNSIGNED,
        given=receipt.decode(errors="replace"),
    )


@never_cache
@require_POST
def certificate(request: HttpRequest) -> HttpResponse:
    """The receipt's certificate as PDF, or to be printed from the browser."""
    form = VerifyForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        made = certificates.make(form.cleaned_data["receipt"], form.cleaned_data["key"], language=_language())
    except NotProven:
        form.add_error("receipt_file", VerifyForm.NOT_PROVEN)
        return _page(request, form, status=422)
    if "print" not in request.POST and (document := certificates.pdf(made)) is not None:
        name = {"Content-Disposition": f'attachment; filename="{made.reference or "receipt"}.pdf"'}
        return HttpResponse(document, content_type="application/pdf", headers=name)
    return HttpResponse(certificates.page(made))


@require_safe
def program(_request: HttpRequest) -> HttpResponse:
    """verify.py itself."""
    source = Path(verify.__file__).read_bytes()
    return HttpResponse(source, content_type="text/x-python; charset=utf-8")


def _page(request: HttpRequest, form: VerifyForm, *, status: int = 200, **more: Any) -> HttpResponse:
    return render(request, "residents/verify.html", {"form": form, **more}, status=status)


def _language() -> str:
    language = get_language() or "en"
    return language if language in verify.SENTENCES else "en"


def _own_keys() -> str:
    """What this site says its log's keys are, of receipts of any age; whoever checks compares them with what others
    say."""
    try:
        return "\n".join(str(key) for key in rotation.trusted())
    except signers.NoKey:
        return ""


def _leaves() -> bytes | None:
    newest = publication.latest()
    if newest is None or newest.size > MOST_LEAVES:
        return None
    return b"".join(encode(entry).encode() + b"\n" for entry in log.entries(0, newest.size))
