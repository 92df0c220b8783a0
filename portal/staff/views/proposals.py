"""What one person proposed, for a second one to confirm or decline."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from portal.accounts.access import StaffRequest, staff_required
from portal.cases import decisions, queries
from portal.cases.models import Outcome, ProposalKind
from portal.staff import looking, match_cards
from portal.staff.views.cases import facts
from portal.staff.views.outcome import carry_out


@require_safe
@staff_required
def proposal(request: StaffRequest, pk: int) -> HttpResponse:
    found = queries.proposal_for_staff(request.user, pk)
    case = queries.case_for_staff(request.user, found.case_id)
    named = set(found.matches.values_list("pk", flat=True))
    evidence = match_cards.of(case, by=request.user)
    chosen = [card for card in evidence if card.match.pk in named]
    others = [card for card in evidence if card.is_open and card.match.pk not in named]
    decides = found.kind == ProposalKind.DECIDE
    if found.kind == ProposalKind.REFUSE:
        rests_on = decisions.to_refuse(case)
        chosen = [card for card in evidence if card.match in rests_on]
    else:
        rests_on = [card.match for card in (*chosen, *(others if decides else []))]
    context = {
        **facts(case, request.user),
        "proposal": found,
        "chosen": chosen,
        "others": others if decides else [],
        "is_open": found.outcome == Outcome.OPEN,
        "is_own": found.made_by_id == request.user.pk,
        "looking": looking.at(case, rests_on, by=request.user),
    }
    return render(request, "staff/proposal.html", context)


@require_POST
@staff_required
def confirm(request: StaffRequest, pk: int) -> HttpResponse:
    found = queries.proposal_for_staff(request.user, pk)
    carry_out(
        request,
        lambda: decisions.confirm(found, by=request.user),
        done=_("Confirmed. What was proposed is carried out now."),
        stale=_("Too late: the cooling time is over.") if found.kind == ProposalKind.RESTORE else "",
    )
    found.refresh_from_db()
    if found.outcome == Outcome.OPEN:
        return redirect("staff:proposal", found.pk)
    return redirect("staff:case", found.case_id)


@require_POST
@staff_required
def decline(request: StaffRequest, pk: int) -> HttpResponse:
    found = queries.proposal_for_staff(request.user, pk)
    carry_out(
        request,
        lambda: decisions.decline(found, by=request.user),
        done=_("Declined. Nothing was changed."),
    )
    return redirect("staff:case", found.case_id)


@require_POST
@staff_required
def take_back(request: StaffRequest, pk: int) -> HttpResponse:
    found = queries.proposal_for_staff(request.user, pk)
    carry_out(request, lambda: decisions.take_back(found, by=request.user), done=_("Your proposal is taken back."))
    return redirect("staff:case", found.case_id)
