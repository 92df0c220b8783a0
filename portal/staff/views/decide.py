"""Deciding a case: approve what is certain, propose the rest, or propose to refuse."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from portal.accounts.access import StaffRequest, staff_required
from portal.audit.seen import Unseen
from portal.cases import decisions, looked_at, queries
from portal.cases.models import Band, Case, Proposal
from portal.cases.states import State
from portal.staff import looking, match_cards
from portal.staff.forms import DELETE, LEAVE, ApproveForm, DecideForm, RefuseForm
from portal.staff.views.cases import facts
from portal.staff.views.outcome import carry_out


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def approve(request: StaffRequest, code: UUID) -> HttpResponse:
    """Look, choose, then confirm: the deletion begins at once."""
    case = _case(request, code)
    alone = [card for card in match_cards.of(case, by=request.user, sent=_is_sent(request)) if card.one_person_decides]
    if case.state != State.REVIEW or not alone:
        return redirect("staff:case", case.code)
    candidates = [card.match.pk for card in alone]
    form = ApproveForm(request.POST if request.method == "POST" else None, candidates=candidates)
    if not form.is_valid():
        context = {**facts(case, request.user), "cards": alone, "form": form, "ticked": _ticked(form)}
        context["looking"] = looking.at(case, [card.match for card in alone], by=request.user)
        return render(request, "staff/approve.html", context)
    chosen = form.cleaned_data["images"]
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
    values = form["images"].value() or []
    return {int(value) for value in values if str(value).isdigit()}


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def decide(request: StaffRequest, code: UUID) -> HttpResponse:
    """Delete or leave, for each image that is open; a second person confirms."""
    case = _case(request, code)
    evidence = [card for card in match_cards.of(case, by=request.user, sent=_is_sent(request)) if card.is_open]
    if case.state != State.REVIEW or not evidence:
        return redirect("staff:case", case.code)
    candidates = [(card.match.pk, card.place, _at_first(card)) for card in evidence]
    form = DecideForm(request.POST if request.method == "POST" else None, candidates=candidates)
    if form.is_valid():
        chosen = form.chosen()
        delete = [card.match for card in evidence if card.match.pk in chosen]
        leave = [card.match for card in evidence if card.match.pk not in chosen]
        unseen = looked_at.left_to_see(case, by=request.user, delete=delete, leave=leave)
        if not unseen:
            return _propose_decision(request, case, chosen)
        form.reject_unseen(Unseen(unseen, by=request.user.pk))
    context = {
        **facts(case, request.user),
        "rows": _rows(form, evidence),
        "form": form,
        "looking": looking.at(case, [card.match for card in evidence], by=request.user),
    }
    return render(request, "staff/decide.html", context)


def _at_first(card: match_cards.Card) -> str | None:
    """Nothing that was not looked at: then what is certain is set to delete. What is gone can only be left."""
    if not card.is_there and not card.seen:
        return LEAVE
    return DELETE if card.seen and card.match.band == Band.CERTAIN else None


def _propose_decision(request: StaffRequest, case: Case, delete: list[int]) -> HttpResponse:
    return _proposed(request, case, lambda: decisions.propose_decision(case, by=request.user, delete=delete))


def _rows(form: DecideForm, evidence: list[match_cards.Card]) -> list[tuple[match_cards.Card, Any]]:
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
        rests_on = decisions.to_refuse(case)
        context = {
            **facts(case, request.user),
            "form": form,
            "cards": [card for card in match_cards.of(case, by=request.user) if card.match in rests_on],
            "looking": looking.at(case, rests_on, by=request.user),
        }
        return render(request, "staff/refuse.html", context)
    reason = form.cleaned_data["reason"]
    return _proposed(request, case, lambda: decisions.propose_refusal(case, by=request.user, reason=reason))


@require_POST
@staff_required
def restore(request: StaffRequest, code: UUID, pk: int) -> HttpResponse:
    """Propose to bring a hidden image back; it stays hidden until a second person confirms."""
    match = queries.match_for_staff(request.user, code, pk)
    return _proposed(
        request,
        match.case,
        lambda: decisions.propose_restore(match.case, by=request.user, matches=[match.pk]),
        stale=_("Nothing was changed: the cooling time is over, or such a proposal waits already."),
    )


def _proposed(request: StaffRequest, case: Case, verb: Callable[[], Proposal], *, stale: str = "") -> HttpResponse:
    done = _("Your proposal waits for a second person. Nothing happens until they confirm it.")
    proposal = carry_out(request, verb, done=done, stale=stale)
    return redirect("staff:case", case.code) if proposal is None else redirect("staff:proposal", proposal.pk)


def _is_sent(request: StaffRequest) -> bool:
    return request.method == "POST"


def _case(request: StaffRequest, code: UUID) -> Case:
    """A page that shows evidence is a view of the case; what is sent back leaves an entry of its own."""
    if request.method == "POST":
        return queries.case_to_act_on(request.user, code)
    return queries.case_for_staff(request.user, code)
