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
from portal.audit.models import Entry
from portal.cases import decisions, law_titles, places, queries
from portal.cases.faults import TooManyUnlocks
from portal.cases.models import Case, Outcome, ProposalKind, Route
from portal.cases.states import State
from portal.core import durations
from portal.policies import assurance, budgets, statutes
from portal.policies.assurance import Allowance, Erase, Proof, Right
from portal.staff import labels, looking, match_cards, timeline
from portal.staff.forms import TOO_MANY_UNLOCKS, UnlockForm
from portal.takedowns import connectors


@require_safe
@staff_required
def case(request: StaffRequest, code: UUID) -> HttpResponse:
    found = queries.case_for_staff(request.user, code)
    history = queries.history(found)
    has_unlocked = queries.has_unlocked(found, request.user)
    evidence = match_cards.of(found, by=request.user)
    proposals = found.proposals.filter(outcome=Outcome.OPEN).select_related("made_by")
    context = {
        **facts(found, request.user),
        "cards": evidence,
        "tasks": _tasks(found, evidence, [proposal.kind for proposal in proposals], by=request.user),
        "looking": looking.at(found, [card.match for card in evidence if card.is_open], by=request.user),
        "can_propose_restore": ProposalKind.RESTORE not in {proposal.kind for proposal in proposals},
        "proposals": proposals,
        "viewers": timeline.viewers(history),
        # How much was found stands in both.
        **(_events_and_removal(found, history, evidence, request.user) if has_unlocked else {}),
    }
    return render(request, "staff/case.html", context)


def facts(found: Case, by: User) -> dict[str, Any]:
    """What every page about a case shows: whose law, which proof, how far the clock is, whether faces are unlocked."""
    statute = statutes.row(found.statute, found.received_on) if found.received_on else None
    unlocked_until = queries.unlocked_until(found, by)
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
        "unlocked_until": unlocked_until,
        "cautions": found.cautions.select_related("other") if unlocked_until else [],
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
    """What can be done now: images one person may decide, images for two, whether a refusal is possible; and how many
    of the images whoever decides has not looked at."""

    alone: int
    alone_unseen: int
    unclear: int
    unclear_unseen: int
    can_refuse: bool


def _tasks(found: Case, evidence: list[match_cards.Card], proposed: list[str], *, by: User) -> Tasks | None:
    """What already waits for a second person is not offered again."""
    if found.state != State.REVIEW or not queries.unlocked_until(found, by):
        return None
    still_open = [card for card in evidence if card.is_open]
    alone = [card for card in still_open if card.one_person_decides]
    unclear = [] if ProposalKind.DECIDE in proposed else [card for card in still_open if card not in alone]
    can_refuse = ProposalKind.REFUSE not in proposed
    if not alone and not unclear and not can_refuse:
        return None
    unseen = [sum(card.is_there and not card.seen for card in some) for some in (alone, unclear)]
    return Tasks(len(alone), unseen[0], len(unclear), unseen[1], can_refuse)


def _events_and_removal(
    found: Case, history: list[Entry], evidence: list[match_cards.Card], by: User
) -> dict[str, Any]:
    return {"events": timeline.events(history), **_removal(found, evidence, by)}


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
        try:
            decisions.unlock(found, by=request.user, purpose=form.cleaned_data["purpose"])
        except TooManyUnlocks:
            form.add_error("purpose", str(TOO_MANY_UNLOCKS))
        else:
            return redirect(_page_before(request, found))
    period = durations.in_words(budgets.UNLOCKED_FOR)
    context = {"case": found, "form": form, "next": _page_before(request, found), "period": period}
    return render(request, "staff/unlock.html", context)


def _page_before(request: StaffRequest, found: Case) -> str:
    wanted = request.POST.get("next") or request.GET.get("next", "")
    local = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if local else reverse("staff:case", args=[found.code])
