"""Addresses whose photos come in although somebody alike is kept out: proposed by one, confirmed by another."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from matching import service
from matching.errors import PackError
from portal.accounts.access import StaffRequest, staff_required
from portal.blocks import exemptions as verbs
from portal.blocks.models import Exemption, ExemptionState, Ground
from portal.core.faults import NotAllowed, Stale
from portal.staff.forms import ExemptionForm


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def exemptions(request: StaffRequest) -> HttpResponse:
    form = ExemptionForm(request.POST or None)
    if form.is_valid():
        verbs.propose(form.cleaned_data["address"], Ground(form.cleaned_data["ground"]), by=request.user)
        messages.success(request, _("Your proposal waits for a second person. Nothing happens until they confirm it."))
        return redirect("staff:exemptions")
    listed = Exemption.objects.select_related("made_by").order_by("made_at")
    context = {
        "here": "exemptions",
        "form": form,
        "waiting": listed.filter(state=ExemptionState.PROPOSED),
        "in_force": listed.filter(state=ExemptionState.IN_FORCE),
        **_counts(),
    }
    return render(request, "staff/exemptions.html", context)


def _counts() -> dict[str, object]:
    try:
        return {"counts": service.block_counts()}
    except PackError:  # the system page says so
        return {}


@require_POST
@staff_required
def confirm(request: StaffRequest, pk: int) -> HttpResponse:
    done = _("Confirmed. Photos of this address come in from the next harvest on.")
    return _carried_out(request, lambda: verbs.confirm(_exemption(pk), by=request.user), done=done)


@require_POST
@staff_required
def decline(request: StaffRequest, pk: int) -> HttpResponse:
    done = _("Declined. Nothing was changed.")
    return _carried_out(request, lambda: verbs.decline(_exemption(pk), by=request.user), done=done)


@require_POST
@staff_required
def end(request: StaffRequest, pk: int) -> HttpResponse:
    done = _("Ended. What is in the index already stays there.")
    return _carried_out(request, lambda: verbs.end(_exemption(pk), by=request.user), done=done)


def _carried_out(request: StaffRequest, verb: Callable[[], None], *, done: str) -> HttpResponse:
    try:
        verb()
    except NotAllowed:
        messages.warning(request, _("Nothing was changed: whoever proposes cannot confirm."))
    except Stale:
        messages.warning(request, _("Nothing was changed: a colleague was quicker."))
    else:
        messages.success(request, done)
    return redirect("staff:exemptions")


def _exemption(pk: int) -> Exemption:
    found = Exemption.objects.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found
