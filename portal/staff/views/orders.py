"""Orders of a regulator: what waits, a new one, and how far one has come."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from portal.accounts.access import StaffRequest, staff_required
from portal.accounts.models import User
from portal.audit.seen import Unseen
from portal.core.faults import NotAllowed, Stale
from portal.orders import actions, looked_at, queries
from portal.orders.models import Order
from portal.orders.states import RUNNING, State
from portal.staff import labels
from portal.staff.forms import OrderForm
from portal.staff.views.evidence import jpeg_or_404
from portal.takedowns.states import TakedownState

SHOWN = 50
# Their counts are no secret any more: two people looked and confirmed.
COUNTED = (*RUNNING, State.REMOVED, State.CLOSED)


@require_safe
@staff_required
def orders(request: StaffRequest) -> HttpResponse:
    found = list(queries.orders(request.user)[:SHOWN])
    rows = [(order, labels.ORDER_COLOURS.get(order.state, ""), order.state in COUNTED) for order in found]
    return render(request, "staff/orders.html", {"here": "orders", "rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def new(request: StaffRequest) -> HttpResponse:
    """Record what a regulator demands; a second person confirms."""
    if not request.user.is_supervisor:
        raise Http404
    form = OrderForm(request.POST, request.FILES) if request.method == "POST" else OrderForm()
    if not form.is_valid():
        return render(request, "staff/order_new.html", {"here": "orders", "form": form})
    order = _propose(request, form)
    messages.success(
        request,
        _("The order waits for a second person. Look at its images as well: nothing happens until you both have."),
    )
    return redirect("staff:order", order.code)


def _propose(request: StaffRequest, form: OrderForm) -> Order:
    named = {"authority": form.cleaned_data["authority"], "reference": form.cleaned_data["reference"]}
    if form.images is not None:
        return actions.propose_list(form.images, by=request.user, **named)
    return actions.propose_scope(form.scope, by=request.user, **named)


@require_safe
@staff_required
def order(request: StaffRequest, code: UUID) -> HttpResponse:
    found = queries.order_for_staff(request.user, code)
    is_running = found.state in RUNNING
    context = {
        "here": "orders",
        "order": found,
        "colour": labels.ORDER_COLOURS.get(found.state, ""),
        "is_open": found.state == State.PROPOSED,
        "is_counted": found.state in COUNTED or looked_at.has_counted(found, request.user),
        "unseen": looked_at.left_to_see(found, request.user) if found.state == State.PROPOSED else [],
        "is_own": found.made_by_id == request.user.pk,
        "is_running": is_running,
        # Reloading by itself would interrupt whoever reads with a screen reader, so each chooses it.
        "follows": "follow" in request.GET and is_running and not found.paused,
        **(
            _progress(found, request.user)
            if found.decided_at and found.state not in (State.DECLINED, State.TAKEN_BACK)
            else {}
        ),
    }
    return render(request, "staff/order.html", context)


def _progress(found: Order, by: User) -> dict[str, Any]:
    progress = queries.progress(found, by=by)
    ended = found.state in (State.REMOVED, State.CLOSED)
    images = progress.opened if ended else progress.images
    return {
        "progress": progress,
        "images": images,
        "percent": 100 if ended else int(100 * progress.gone / images) if images else 0,
        "unopened": max(0, images - progress.opened),
        "states": [
            (labels.takedown_name(state), labels.TAKEDOWN_COLOURS.get(state, ""), progress.by_state[state])
            for state in TakedownState
            if progress.by_state.get(state)
        ],
        "per_minute": round(progress.rate * 60),
        "minutes_left": _minutes(progress),
    }


def _minutes(progress: queries.Progress) -> int | None:
    return None if progress.remaining is None else max(1, round(progress.remaining.total_seconds() / 60))


@require_safe
@staff_required
def breakdown(request: StaffRequest, code: UUID) -> HttpResponse:
    """How its images spread, and a sample of them, for those who decide on it."""
    found = queries.order_to_act_on(request.user, code)
    if found.state != State.PROPOSED or not request.user.is_supervisor:
        return redirect("staff:order", found.code)
    try:
        spread = looked_at.breakdown(found, request.user)
    except looked_at.TooManyCounts:
        messages.warning(
            request, _("You have seen as many orders counted as one person may. Ask a colleague, or go on tomorrow.")
        )
        return redirect("staff:order", found.code)
    pictures = looked_at.sample(found, request.user)
    left = len(looked_at.left_to_see(found, request.user))
    context = {"here": "orders", "order": found, "spread": spread, "pictures": pictures, "left": left}
    return render(request, "staff/order_breakdown.html", context)


@require_GET
@staff_required
def picture(request: StaffRequest, code: UUID, image: UUID) -> HttpResponse:
    found = queries.order_to_act_on(request.user, code)
    return jpeg_or_404(looked_at.picture(found, image, request.user))


@require_POST
@staff_required
def confirm(request: StaffRequest, code: UUID) -> HttpResponse:
    return _do(request, code, actions.confirm, done=_("Confirmed. Deletion begins now."))


@require_POST
@staff_required
def decline(request: StaffRequest, code: UUID) -> HttpResponse:
    return _do(request, code, actions.decline, done=_("Declined. Nothing was changed."))


@require_POST
@staff_required
def take_back(request: StaffRequest, code: UUID) -> HttpResponse:
    return _do(request, code, actions.take_back, done=_("Your order is taken back."))


@require_POST
@staff_required
def pause(request: StaffRequest, code: UUID) -> HttpResponse:
    return _do(request, code, actions.pause, done=_("Paused. What is hidden stays hidden; nothing more is removed."))


@require_POST
@staff_required
def resume(request: StaffRequest, code: UUID) -> HttpResponse:
    return _do(request, code, actions.resume, done=_("Resumed."))


def _do(request: StaffRequest, code: UUID, verb: Callable[..., None], *, done: str) -> HttpResponse:
    found = queries.order_to_act_on(request.user, code)
    try:
        verb(found, by=request.user)
    except Stale:
        messages.warning(request, _("Nothing was changed: a colleague or the system was quicker. Look at it again."))
    except Unseen as fault:
        theirs = fault.by != request.user.pk
        colleague = _("Nothing was changed: the colleague who recorded it has not looked at its images yet.")
        messages.warning(request, colleague if theirs else _("Nothing was changed: look at its images first."))
    except NotAllowed:
        messages.warning(request, _("Nothing was changed: this needs another person."))
    else:
        messages.success(request, done)
    return redirect("staff:order", found.code)
