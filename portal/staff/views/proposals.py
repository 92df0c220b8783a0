"""What one person proposed, for a second one to confirm or decline."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from portal.accounts.access import StaffRequest, staff_required
from portal.cases import decisions, queries
from portal.cases.faults import Unseen
from portal.cases.models import Band, Outcome, Proposal, ProposalKind
from portal.staff import match_cards
from portal.staff.views.cases import facts
from portal.staff.views.outcome import carry_out


@require_safe
@staff_required
def proposal(request: StaffRequest, pk: int) -> HttpResponse:
    found = _proposal(pk)
    case = queries.case_for_staff(request.user, found.case_id)
    named = set(found.matches.values_list("pk", flat=True))
    evidence = match_cards.of(case, by=request.user)
    chosen = [card for card in evidence if card.match.pk in named]
    others = [card for card in evidence if card.is_open and card.match.pk not in named]
    decides = found.kind == ProposalKind.DECIDE
    context = {
        **facts(case, request.user),
        "proposal": found,
        "chosen": chosen,
        "others": others if decides else [],
        "is_open": found.outcome == Outcome.OPEN,
        "is_own": found.made_by_id == request.user.pk,
        "must_look": decides and any(card.match.band == Band.PROBABLE and not card.is_clear for card in chosen),
    }
    return render(request, "staff/proposal.html", context)


@require_POST
@staff_required
def confirm(request: StaffRequest, pk: int) -> HttpResponse:
    found = _proposal(pk)
    try:
        carry_out(
            request,
            lambda: decisions.confirm(found, by=request.user),
            done=_("Confirmed. What was proposed is carried out now."),
            stale=_("Too late: the cooling time is over.") if found.kind == ProposalKind.RESTORE else "",
        )
    except Unseen:
        messages.warning(
            request,
            _("Nothing was deleted: you have not looked at each unclear image. Unlock the faces, look, then confirm."),
        )
        return redirect("staff:proposal", found.pk)
    return redirect("staff:case", found.case_id)


@require_POST
@staff_required
def decline(request: StaffRequest, pk: int) -> HttpResponse:
    found = _proposal(pk)
    carry_out(
        request,
        lambda: decisions.decline(found, by=request.user),
        done=_("Declined. Nothing was changed."),
    )
    return redirect("staff:case", found.case_id)


@require_POST
@staff_required
def take_back(request: StaffRequest, pk: int) -> HttpResponse:
    found = _proposal(pk)
    carry_out(request, lambda: decisions.take_back(found, by=request.user), done=_("Your proposal is taken back."))
    return redirect("staff:case", found.case_id)


def _proposal(pk: int) -> Proposal:
    found = Proposal.objects.select_related("case", "made_by", "decided_by").filter(pk=pk).first()
    if found is None:
        raise Http404
    return found
