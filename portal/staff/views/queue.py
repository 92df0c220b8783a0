"""What waits for staff, most urgent first."""

from dataclasses import dataclass

from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from portal.accounts.access import StaffRequest, staff_required
from portal.cases import places, queries
from portal.cases.models import Band, Case, Decision, Outcome, Proposal
from portal.cases.states import State
from portal.orders import queries as orders
from portal.staff import labels
from portal.staff.forms import NOTHING_FOUND, ReferenceForm

PAGE = 20
SHOWN_STATES = tuple(state for state in State if state not in (State.DRAFT, State.EXPIRED, State.WAITING))


@dataclass(frozen=True)
class Row:
    case: Case
    place: str
    colour: str
    due: labels.Due
    certain: int
    probable: int
    by_address: int
    waits: bool  # a proposal is open


@require_safe
@staff_required
def queue(request: StaffRequest) -> HttpResponse:
    form = ReferenceForm(request.GET if "reference" in request.GET else None)
    if form.is_bound and form.is_valid():
        found = queries.queue(request.user, reference=form.cleaned_data["reference"]).first()
        if found is not None:
            return redirect("staff:case", found.code)
        form.add_error("reference", NOTHING_FOUND)
    state = request.GET.get("state", "")
    state = state if state in SHOWN_STATES else ""
    page = Paginator(_counted(queries.queue(request.user, state=state)), PAGE).get_page(request.GET.get("page"))
    context = {
        "here": "queue",
        "form": form,
        "state": state,
        "states": [(each.value, each.label) for each in SHOWN_STATES],
        "page": page,
        "rows": [_row(case) for case in page],
        "proposals": queries.proposals_for(request.user),
        "own_proposals": Proposal.objects.filter(made_by=request.user, outcome=Outcome.OPEN).select_related("case"),
        "orders": orders.waiting_for(request.user),
        "pages": page.paginator.get_elided_page_range(page.number),
    }
    return render(request, "staff/queue.html", context)


def _counted(cases: QuerySet[Case]) -> QuerySet[Case]:
    to_decide = Q(matches__decision=Decision.OPEN)
    bands = {
        name: Count("matches", filter=to_decide & Q(matches__band=band), distinct=True)
        for name, band in (("certain", Band.CERTAIN), ("probable", Band.PROBABLE), ("by_address", Band.ADDRESS))
    }
    open_proposals = Count("proposals", filter=Q(proposals__outcome=Outcome.OPEN), distinct=True)
    return cases.annotate(**bands, open_proposals=open_proposals)


def _row(case: Case) -> Row:
    return Row(
        case=case,
        place=str(places.NAMES.get(case.place, case.place)),
        colour=labels.STATE_COLOURS.get(case.state, ""),
        due=labels.due(case),
        certain=case.certain,  # type: ignore[attr-defined]  # annotated in _counted
        probable=case.probable,  # type: ignore[attr-defined]  # annotated in _counted
        by_address=case.by_address,  # type: ignore[attr-defined]  # annotated in _counted
        waits=bool(case.open_proposals),  # type: ignore[attr-defined]  # annotated in _counted
    )
