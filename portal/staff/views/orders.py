"""Orders of a regulator: what waits, a new one, and how far one has come."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.accounts.access import StaffRequest, staff_required
from portal.accounts.models import User
from portal.core.faults import NotAllowed, Stale
from portal.orders import actions, queries
from portal.orders.models import Order
from portal.orders.states import RUNNING, State
from portal.staff import labels
from portal.staff.forms import OrderForm
from portal.takedowns.states import TakedownState

SHOWN = 50


@require_safe
@staff_required
def orders(request: StaffRequest) -> HttpResponse:
    found = list(queries.orders(request.user)[:SHOWN])
    rows = [(order, labels.ORDER_COLOURS.get(order.state, "")) for order in found]
    return render(request, "staff/orders.html", {"here": "orders", "rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def new(request: StaffRequest) -> HttpResponse:
    """Record what a regulator demands; a second person confirms."""
    form = OrderForm(request.POST, request.FILES) if request.method == "POST" else OrderForm()
    if not form.is_valid():
        return render(request, "staff/order_new.html", {"here": "orders", "form": form})
    order = _propose(request, form)
    messages.success(request, _("The order waits for a second person. Nothing happens until they confirm it."))
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
    except NotAllowed:
        messages.warning(request, _("Nothing was changed: this needs another person."))
    else:
        messages.success(request, done)
    return redirect("staff:order", found.code)
