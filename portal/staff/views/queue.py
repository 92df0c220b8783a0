"""The cases that somebody of staff was drawn for, most urgent first; who is on duty, and having cases drawn anew."""

from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.accounts import duty
from portal.accounts.access import StaffRequest, staff_required
from portal.accounts.models import Role, User
from portal.cases import assignments, places, queries
from portal.cases.models import Band, Case, Decision, Outcome, TakenOff
from portal.cases.states import State
from portal.orders import queries as orders
from portal.staff import labels
from portal.staff.forms import NOTHING_FOUND, ReassignForm, ReferenceForm

PAGE = 20
SHOWN_STATES = tuple(state for state in State if state not in (State.DRAFT, State.EXPIRED, State.WAITING))


@dataclass(frozen=True)
class Row:
    case: Case
    place: str
    colour: str
    due: labels.Due
    is_unlocked: bool  # or else how much was found is not told
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
        "rows": [_row(case, request.user) for case in page],
        "proposals": queries.proposals_for(request.user),
        "own_proposals": queries.proposals_of(request.user),
        "is_on_duty": duty.is_on_duty(request.user),
        "are_enough": assignments.are_enough(),
        "orders": orders.waiting_for(request.user),
        "pages": page.paginator.get_elided_page_range(page.number),
    }
    return render(request, "staff/queue.html", context)


@require_POST
@staff_required
def on_duty(request: StaffRequest) -> HttpResponse:
    duty.begin(request.user)
    assignments.fill()
    return redirect("staff:queue")


@require_POST
@staff_required
def off_duty(request: StaffRequest) -> HttpResponse:
    assignments.go_off_duty(request.user)
    messages.success(request, _("You are off duty. Cases that you had not decided are drawn anew."))
    return redirect("staff:queue")


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def reassign(request: StaffRequest) -> HttpResponse:
    """A supervisor has cases of a colleague drawn anew. The answer is the same whether or not there were any."""
    if not request.user.is_supervisor:
        raise Http404
    colleagues = User.objects.filter(role=Role.STAFF).order_by("name")
    form = ReassignForm(request.POST if request.method == "POST" else None, colleagues=colleagues)
    if not form.is_valid():
        return render(request, "staff/reassign.html", {"here": "queue", "form": form})
    asked = form.cleaned_data
    because = TakenOff(asked["because"])
    assignments.reassign(asked["away_from"], because, by=request.user, reference=asked["reference"])
    messages.success(request, _("Whatever they had not decided is drawn anew, for other people than the two of you."))
    return redirect("staff:queue")


def _counted(cases: QuerySet[Case]) -> QuerySet[Case]:
    to_decide = Q(matches__decision=Decision.OPEN)
    bands = {
        name: Count("matches", filter=to_decide & Q(matches__band=band), distinct=True)
        for name, band in (("certain", Band.CERTAIN), ("probable", Band.PROBABLE), ("by_address", Band.ADDRESS))
    }
    open_proposals = Count("proposals", filter=Q(proposals__outcome=Outcome.OPEN), distinct=True)
    return cases.annotate(**bands, open_proposals=open_proposals)


def _row(case: Case, by: User) -> Row:
    return Row(
        case=case,
        is_unlocked=queries.unlocked_until(case, by) is not None,
        place=str(places.NAMES.get(case.place, case.place)),
        colour=labels.STATE_COLOURS.get(case.state, ""),
        due=labels.due(case),
        certain=case.certain,  # type: ignore[attr-defined]  # annotated in _counted
        probable=case.probable,  # type: ignore[attr-defined]  # annotated in _counted
        by_address=case.by_address,  # type: ignore[attr-defined]  # annotated in _counted
        waits=bool(case.open_proposals),  # type: ignore[attr-defined]  # annotated in _counted
    )
