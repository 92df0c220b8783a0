"""Following a request that was sent, and stopping it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.cases import actions, queries
from portal.cases.faults import CodeExpired, Finished, TooManyCodes
from portal.cases.models import Case
from portal.core import visitors
from portal.residents.forms import CodeForm, ReturnForm, sentence
from portal.residents.steps import own_case

_RETURNING = "returning"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def status(request: HttpRequest) -> HttpResponse:
    """Reference and address. The answer is the same whether or not such a request exists."""
    form = ReturnForm(request.POST or None)
    if not form.is_valid():
        return _status_page(request, form)
    reference = form.cleaned_data["reference"]
    try:
        actions.send_return_code(reference, form.cleaned_data["contact"], visitor=visitors.address_of(request))
    except TooManyCodes as fault:
        form.add_error("reference", sentence(fault))
        return _status_page(request, form)
    request.session[_RETURNING] = reference
    return redirect("residents:status-code")


def _status_page(request: HttpRequest, form: ReturnForm) -> HttpResponse:
    case = queries.case_of_session(request)
    announced = queries.announced(case) if case else None
    return render(request, "residents/status.html", {"form": form, "announced": announced})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def status_code(request: HttpRequest) -> HttpResponse:
    reference = request.session.get(_RETURNING)
    if reference is None:
        return redirect("residents:status")
    form = CodeForm(request.POST or None)
    if form.is_valid():
        try:
            case = actions.confirm_return(reference, form.cleaned_data["code"])
        except CodeExpired:
            form.add_error("code", _("The code is not right or no longer works. Check it, or ask for a new one."))
        else:
            del request.session[_RETURNING]
            queries.bind(request, case)
            return redirect("residents:case")
    return render(request, "residents/status_code.html", {"form": form, "reference": reference})


@require_safe
@own_case
def case(request: HttpRequest, case: Case) -> HttpResponse:
    announced = queries.announced(case)
    if announced.state == "draft":
        return redirect("residents:check")
    context = {"announced": announced, "keep_out_code": queries.keep_out_code(case)}
    return render(request, "residents/case.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@own_case
def withdraw(request: HttpRequest, case: Case) -> HttpResponse:
    announced = queries.announced(case)
    if announced.state not in ("draft", "received"):
        return redirect("residents:case")
    if request.method != "POST":
        context = {"announced": announced, "keep_out": queries.asked_to_be_kept_out(case)}
        return render(request, "residents/withdraw.html", context)
    try:
        actions.withdraw(case)
    except Finished:
        messages.warning(request, _("We had already finished, so there was nothing left to stop."))
        return redirect("residents:case")
    if announced.state == "received":
        return redirect("residents:case")
    queries.unbind(request)
    messages.success(request, _("We have deleted everything you gave us."))
    return redirect("residents:home")


@never_cache
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """End the visit, for those who share a computer."""
    queries.unbind(request)
    messages.success(request, _("Your visit has ended. Nobody can open your request from this browser now."))
    return redirect("residents:home")
