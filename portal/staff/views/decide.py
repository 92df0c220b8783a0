"""Deciding a case: approve what is certain, propose the rest, or propose to refuse."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from portal.accounts.access import StaffRequest, staff_required
from portal.cases import decisions, queries
from portal.cases.models import Case, Proposal
from portal.cases.states import State
from portal.staff import cards
from portal.staff.forms import ApproveForm, DecideForm, RefuseForm
from portal.staff.views.cases import facts
from portal.staff.views.outcome import carry_out


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def approve(request: StaffRequest, code: UUID) -> HttpResponse:
    """Choose, then confirm: the deletion begins at once."""
    case = _case(request, code)
    alone = [card for card in cards.of(case) if card.one_person_decides]
    if case.state != State.REVIEW or not alone:
        return redirect("staff:case", case.code)
    candidates = [card.match.pk for card in alone]
    form = ApproveForm(request.POST if request.method == "POST" else None, candidates=candidates)
    if not form.is_valid():
        context = {**facts(case, request.user), "cards": alone, "form": form, "ticked": _ticked(form)}
        return render(request, "staff/approve.html", context)
    chosen = form.cleaned_data["matches"]
    if "confirmed" not in request.POST:
        context = {"case": case, "chosen": chosen, "kept": len(alone) - len(chosen)}
        return render(request, "staff/approve_confirm.html", context)
    done = ngettext("Deletion of %(images)s image began.", "Deletion of %(images)s images began.", len(chosen))
    carry_out(
        request,
        lambda: decisions.approve(case, by=request.user, matches=chosen),
        done=done % {"images": len(chosen)},
    )
    return redirect("staff:case", case.code)


def _ticked(form: ApproveForm) -> set[int]:
    values = form["matches"].value() or []
    return {int(value) for value in values if str(value).isdigit()}


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def decide(request: StaffRequest, code: UUID) -> HttpResponse:
    """Delete or leave, for each image that is open; a second person confirms."""
    case = _case(request, code)
    evidence = [card for card in cards.of(case) if card.is_open]
    if case.state != State.REVIEW or not evidence:
        return redirect("staff:case", case.code)
    candidates = [(card.match.pk, card.place, not card.one_person_decides) for card in evidence]
    form = DecideForm(request.POST if request.method == "POST" else None, candidates=candidates)
    if not form.is_valid():
        context = {**facts(case, request.user), "rows": _rows(form, evidence), "form": form}
        return render(request, "staff/decide.html", context)
    return _proposed(request, case, lambda: decisions.propose_decision(case, by=request.user, delete=form.chosen()))


def _rows(form: DecideForm, evidence: list[cards.Card]) -> list[tuple[cards.Card, Any]]:
    return [(card, form[f"match-{card.match.pk}"]) for card in evidence]


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def refuse(request: StaffRequest, code: UUID) -> HttpResponse:
    """Propose a refusal; a second person confirms."""
    case = _case(request, code)
    if case.state != State.REVIEW:
        return redirect("staff:case", case.code)
    form = RefuseForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return render(request, "staff/refuse.html", {**facts(case, request.user), "form": form})
    reason = form.cleaned_data["reason"]
    return _proposed(request, case, lambda: decisions.propose_refusal(case, by=request.user, reason=reason))


def _proposed(request: StaffRequest, case: Case, verb: Any) -> HttpResponse:
    proposal: Proposal | None = carry_out(
        request, verb, done=_("Your proposal waits for a second person. Nothing happens until they confirm it.")
    )
    return redirect("staff:case", case.code) if proposal is None else redirect("staff:proposal", proposal.pk)


def _case(request: StaffRequest, code: UUID) -> Case:
    """A page that shows evidence is a view of the case; what is sent back leaves an entry of its own."""
    if request.method == "POST":
        return queries.case_to_act_on(request.user, code)
    return queries.case_for_staff(request.user, code)
