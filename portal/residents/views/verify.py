"""Checking a receipt, for anyone. Nothing that is given here is kept or logged."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.core import limits, visitors
from portal.ledger import log, proof, publication, verify
from portal.ledger.verify import Key, Report
from portal.policies import budgets
from portal.policies.budgets import Budget
from portal.residents import certificates
from portal.residents.certificates import NotProven
from portal.residents.verify_form import VerifyForm, language, too_often

# Of a longer record verify.py tells every step.
MOST_STEPS = 300
STATUS = {verify.SHOWN: 200, verify.UNCOMPARED: 200}
View = Callable[[HttpRequest], HttpResponse]


def keeps_the_form(view: View) -> View:
    """What is too large to be read is answered on the page, with the form. The check of the token reads the body too,
    so it comes after."""
    protected = csrf_protect(view)

    @csrf_exempt
    @wraps(view)
    def fitted(request: HttpRequest) -> HttpResponse:
        try:
            request.POST  # noqa: B018  # reads the body
        except RequestDataTooBig:
            return _page(request, VerifyForm.too_large(key=_own_keys()), status=413)
        return protected(request)

    return fitted


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@keeps_the_form
def check(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, VerifyForm(initial={"key": _own_keys()}))
    form = VerifyForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, form, status=422)
    if not _may(request, "verify", budgets.RECEIPT_CHECKS):
        form.add_error(None, too_often(budgets.RECEIPT_CHECKS))
        return _page(request, form, status=429)
    report = _examined(form.cleaned_data["receipt"], form.cleaned_data["key"], form.cleaned_data["checkpoint"])
    return _page(
        request,
        form,
        status=STATUS.get(report.status, 422),
        lines=report.spoken(language()),
        verdict=_verdict(report),
        certifiable=report.receipt if report.receipt and certificates.is_ours(report.receipt) else None,
    )


@never_cache
@require_POST
@keeps_the_form
def certificate(request: HttpRequest) -> HttpResponse:
    """The receipt's certificate as PDF, or to be printed from the browser."""
    form = VerifyForm({"receipt_text": request.POST.get("receipt_text", ""), "key": _own_keys()})
    if not form.is_valid():
        return _page(request, form, status=422)
    if not _may(request, "certificate", budgets.CERTIFICATES):
        form.add_error(None, too_often(budgets.CERTIFICATES))
        return _page(request, form, status=429)
    try:
        made = certificates.make(form.cleaned_data["receipt"], language=language())
    except NotProven:
        form.add_error("receipt_file", VerifyForm.NOT_PROVEN)
        return _page(request, form, status=422)
    if "print" not in request.POST and (document := certificates.pdf(made)) is not None:
        name = {"Content-Disposition": f'attachment; filename="{certificates.file_name(made)}"'}
        return HttpResponse(document, content_type="application/pdf", headers=name)
    return HttpResponse(certificates.page(made))


@require_safe
def program(_request: HttpRequest) -> HttpResponse:
    """verify.py itself."""
    source = Path(verify.__file__).read_bytes()
    return HttpResponse(source, content_type="text/x-python; charset=utf-8")


def _page(request: HttpRequest, form: VerifyForm, *, status: int = 200, **more: Any) -> HttpResponse:
    return render(request, "residents/verify.html", {"form": form, **more}, status=status)


def _may(request: HttpRequest, what: str, budget: Budget) -> bool:
    return limits.spend(what, visitors.address_of(request), budget)


def _verdict(report: Report) -> str:
    if report.receipt is not None:
        return "contradicted" if report.status == verify.FORGED else "good"
    return {verify.UNSIGNED: "unsigned", verify.MISUSED: "unread"}.get(report.status, "bad")


def _own_keys() -> str:
    """What this site says its log's keys are; whoever checks compares them with what others say."""
    return "\n".join(str(key) for key in certificates.own_keys())


def _examined(receipt: bytes, keys: list[Key], outside: list[bytes]) -> Report:
    """Compared with a checkpoint of another size by a proof from this site's log, where there is one."""
    report = verify.examine(receipt, keys, outside=outside, most_steps=MOST_STEPS)
    if report.receipt is None or report.status != verify.UNCOMPARED:
        return report
    growth = [_growth(report.receipt.signed, other) for other in report.outside]
    known = [one for one in growth if one is not None]
    return verify.examine(receipt, keys, outside=outside, growth=known, most_steps=MOST_STEPS) if known else report


def _growth(one: verify.Checkpoint, other: verify.Checkpoint) -> bytes | None:
    old, new = sorted((one, other), key=lambda head: head.size)
    newest = publication.latest()
    if newest is None or not 0 < old.size < new.size <= newest.size:
        return None
    try:
        path = log.tree(newest.size, bytes(newest.root)).consistency(old.size, new.size)
    except log.Damaged:
        return None
    return proof.write_growth(old=old.size, path=path, checkpoint=new.note).encode()
