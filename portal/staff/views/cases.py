"""One case: what is known of it, its evidence, what was done."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from portal.accounts.access import StaffRequest, staff_required
from portal.accounts.models import User
from portal.cases import decisions, law_titles, places, queries
from portal.cases.models import Case, Outcome, ProposalKind, Route
from portal.cases.states import State
from portal.core import durations, limits
from portal.policies import assurance, budgets, statutes
from portal.policies.assurance import Allowance, Erase, Proof, Right
from portal.staff import labels, match_cards, timeline
from portal.staff.forms import TOO_MANY_UNLOCKS, UnlockForm
from portal.takedowns import connectors


@require_safe
@staff_required
def case(request: StaffRequest, code: UUID) -> HttpResponse:
    found = queries.case_for_staff(request.user, code)
    history = queries.history(found)
    evidence = match_cards.of(found, by=request.user)
    proposals = found.proposals.filter(outcome=Outcome.OPEN).select_related("made_by")
    context = {
        **facts(found, request.user),
        "cards": evidence,
        "tasks": _tasks(found, evidence, [proposal.kind for proposal in proposals]),
        "can_propose_restore": ProposalKind.RESTORE not in {proposal.kind for proposal in proposals},
        "proposals": proposals,
        "events": timeline.events(history),
        "viewers": timeline.viewers(history),
        **_removal(found, evidence, request.user),
    }
    return render(request, "staff/case.html", context)


def facts(found: Case, by: User) -> dict[str, Any]:
    """What every page about a case shows: whose law, which proof, how far the clock is, whether faces are unlocked."""
    statute = statutes.row(found.statute, found.received_on) if found.received_on else None
    return {
        "case": found,
        "state_colour": labels.STATE_COLOURS.get(found.state, ""),
        "place": places.NAMES.get(found.place, found.place),
        "statute": statute,
        "law": law_titles.TITLES.get(found.statute),
        "due": labels.due(found),
        "route": Route(found.route).label if found.route else "",
        "proof": _proof_name(Proof(found.proof)),
        "allows": _allows(assurance.allowance(Right(found.right), Proof(found.proof), found.statute)),
        "search": found.searches.last(),
        "unlocked_until": queries.unlocked_until(found, by),
        "live_scores": queries.live_scores(found, by),
        "photos": [photo.number for photo in found.photos.all()],
    }


def _proof_name(proof: Proof) -> str:
    return {
        Proof.NONE: _("None"),
        Proof.CONTACT: _("A confirmed mail address"),
        Proof.PHOTO: _("A photo of one face"),
    }[proof]


def _allows(allowance: Allowance) -> str:
    return {
        Erase.NOTHING: _("It allows nothing to be deleted."),
        Erase.GIVEN_ADDRESSES: _("It allows deleting images whose addresses were given, after staff. To see: nothing."),
        Erase.AFTER_STAFF: _("It allows deleting after staff. To see: nothing."),
    }[allowance.erase]


@dataclass(frozen=True)
class Tasks:
    """What can be done now: images one person may decide, images that are unclear, whether a refusal is possible."""

    alone: int
    unclear: int
    can_refuse: bool


def _tasks(found: Case, evidence: list[match_cards.Card], proposed: list[str]) -> Tasks | None:
    """What already waits for a second person is not offered again."""
    if found.state != State.REVIEW:
        return None
    still_open = [card for card in evidence if card.is_open]
    alone = sum(card.one_person_decides for card in still_open)
    unclear = 0 if ProposalKind.DECIDE in proposed else len(still_open) - alone
    can_refuse = ProposalKind.REFUSE not in proposed
    return Tasks(alone, unclear, can_refuse) if alone or unclear or can_refuse else None


def _removal(found: Case, evidence: list[match_cards.Card], by: User) -> dict[str, Any]:
    progress = queries.progress(found)
    if not progress.takedowns:
        return {}
    return {
        "progress": progress,
        "percent": round(100 * progress.steps_done / progress.steps) if progress.steps else 100,
        "lines": match_cards.lines(queries.takedowns(found), evidence, stores=connectors.ALL, by=by),
        "stores": [labels.store_name(name) for name in connectors.ALL],
    }


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def unlock(request: StaffRequest, code: UUID) -> HttpResponse:
    found = queries.case_to_act_on(request.user, code)
    form = UnlockForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        budget = budgets.UNLOCKS
        if limits.take("unlock", str(request.user.pk), most=budget.most, per=budget.per):
            decisions.unlock(found, by=request.user, purpose=form.cleaned_data["purpose"])
            return redirect(_page_before(request, found))
        form.add_error("purpose", str(TOO_MANY_UNLOCKS))
    period = durations.in_words(budgets.UNLOCKED_FOR)
    context = {"case": found, "form": form, "next": _page_before(request, found), "period": period}
    return render(request, "staff/unlock.html", context)


def _page_before(request: StaffRequest, found: Case) -> str:
    wanted = request.POST.get("next") or request.GET.get("next", "")
    local = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if local else reverse("staff:case", args=[found.code])
