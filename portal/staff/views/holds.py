"""Legal holds: proposed by one person, confirmed by a second, and afterwards the business of these two."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from portal.accounts.access import StaffRequest, staff_required
from portal.accounts.models import Role, User
from portal.audit import append
from portal.audit.seen import Unseen
from portal.audit.tags import Tag
from portal.cases import decisions, queries
from portal.core.faults import NotAllowed
from portal.orders import queries as orders
from portal.orders.states import RUNNING
from portal.orders.states import State as OrderState
from portal.policies import preservation
from portal.staff.forms_holds import ALL, HandOverForm, HoldForm, OrderHoldForm, ReleaseForm, ReportForm
from portal.staff.views.evidence import jpeg_or_404
from portal.takedowns import held_pictures, hold_handover
from portal.takedowns import holds as rules
from portal.takedowns.models import Hold, HoldReason, ReleasedBecause
from portal.takedowns.states import HOLDING, HoldState


@require_safe
@staff_required
def holds(request: StaffRequest) -> HttpResponse:
    """Proposals of anyone; of placed holds one's own, since nobody else is to know what is kept, and those that one is
    asked to take over, or that nobody is left for."""
    append.append(Tag.HOLDS_VIEWED, about="holds", actor=request.user.pk)
    active = Hold.objects.filter(state__in=HOLDING).select_related(
        "proposed_by", "confirmed_by", "handed_from", "handed_to"
    )
    rows = [_row(hold, request) for hold in active.order_by("proposed_at") if _may_see(hold, request)]
    context = {
        "here": "holds",
        "rows": rows,
        "duties": preservation.ALL.values(),
        "release_reasons": ReleasedBecause.choices,
    }
    return render(request, "staff/holds.html", context)


@dataclass(frozen=True)
class Row:
    hold: Hold
    is_own: bool
    is_asked: bool  # to take a place in it
    can_hand_over: bool
    can_decline: bool  # that it is handed over
    unseen: int  # of its pictures, by whoever looks at the page


def _row(hold: Hold, request: StaffRequest) -> Row:
    return Row(
        hold=hold,
        is_own=rules.is_holder(hold, request.user),
        is_asked=hold.handed_to_id == request.user.pk,
        can_hand_over=hold.handed_to_id is None and hold_handover.place_open_to(hold, request.user) is not None,
        can_decline=hold_handover.may_decline(hold, request.user),
        unseen=len(rules.left_to_see(hold, request.user)),
    )


def _may_see(hold: Hold, request: StaffRequest) -> bool:
    is_asked = hold.handed_to_id == request.user.pk
    is_own = rules.is_holder(hold, request.user)
    return hold.state == HoldState.PROPOSED or is_own or is_asked or hold_handover.is_orphan(hold)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def propose(request: StaffRequest, code: UUID, pk: int) -> HttpResponse:
    """From an image of a case: it is hidden and its deletion stops at once."""
    match = queries.match_for_staff(request.user, code, pk)
    form = HoldForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return render(request, "staff/hold.html", {"case": match.case, "form": form})
    whole = form.cleaned_data["scope"] == ALL
    chosen = list(match.case.matches.all()) if whole else [match]
    reason = HoldReason(form.cleaned_data["reason"])
    return _carry_out(
        request,
        lambda: decisions.propose_hold(match.case, chosen, reason, by=request.user),
        _("It is hidden, and nothing of it is deleted. A second person confirms or declines."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def propose_of_order(request: StaffRequest, code: UUID) -> HttpResponse:
    """From an order, whose images have no page of their own: by their ids."""
    order = orders.order_to_act_on(request.user, code)
    if order.state not in (OrderState.PROPOSED, *RUNNING):
        raise Http404
    form = OrderHoldForm(request.POST if request.method == "POST" else None, order=order)
    if not form.is_valid():
        return render(request, "staff/hold_of_order.html", {"order": order, "form": form})
    images, reason = form.cleaned_data["images"], HoldReason(form.cleaned_data["reason"])
    return _carry_out(
        request,
        lambda: rules.propose(images, reason, by=request.user),
        _("It is hidden, and nothing of it is deleted. A second person confirms or declines."),
    )


@require_POST
@staff_required
def confirm(request: StaffRequest, pk: UUID) -> HttpResponse:
    hold = _found(request, pk)
    return _carry_out(request, lambda: rules.confirm(hold, by=request.user), _("The hold is placed."))


@require_POST
@staff_required
def decline(request: StaffRequest, pk: UUID) -> HttpResponse:
    hold = _found(request, pk)
    return _carry_out(
        request, lambda: rules.decline(hold, by=request.user), _("Declined. It is as it was before the hold.")
    )


@require_POST
@staff_required
def report(request: StaffRequest, pk: UUID) -> HttpResponse:
    hold, form = _found(request, pk), ReportForm(request.POST)
    if not form.is_valid():
        messages.warning(request, _("Nothing was changed: choose to whom it was reported, and enter the day."))
        return redirect("staff:holds")
    told = form.cleaned_data
    return _carry_out(
        request,
        lambda: rules.record_report(hold, under=told["under"], reported_on=told["reported_on"], by=request.user),
        _("Recorded, with the day until which the law has it kept."),
    )


@require_POST
@staff_required
def release(request: StaffRequest, pk: UUID) -> HttpResponse:
    """The first of the two proposes the release; sent by the other one, the same button confirms it."""
    hold, form = _found(request, pk), ReleaseForm(request.POST)
    if hold.state == HoldState.RELEASING:
        mistaken = hold.released_because == ReleasedBecause.MISTAKEN
        done = _("Released. It is as it was before the hold.") if mistaken else _("Released. The deletion goes on.")
        return _carry_out(request, lambda: rules.confirm_release(hold, by=request.user), done)
    if not form.is_valid():
        messages.warning(request, _("Nothing was changed: choose a reason."))
        return redirect("staff:holds")
    because = ReleasedBecause(form.cleaned_data["because"])
    return _carry_out(
        request,
        lambda: rules.propose_release(hold, because, by=request.user),
        _("The release waits for the other person who placed the hold."),
    )


@require_POST
@staff_required
def keep(request: StaffRequest, pk: UUID) -> HttpResponse:
    hold = _found(request, pk)
    return _carry_out(request, lambda: rules.decline_release(hold, by=request.user), _("It stays held."))


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def hand_over(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Propose who takes the place of the other one, who has left; where both have, of one after the other."""
    hold = _found(request, pk)
    leaving = hold_handover.place_open_to(hold, request.user)
    if leaving is None or hold.handed_to_id is not None:
        raise Http404
    others = User.objects.filter(role=Role.STAFF, is_active=True).exclude(
        pk__in=[request.user.pk, hold.proposed_by_id, hold.confirmed_by_id]
    )
    form = HandOverForm(request.POST if request.method == "POST" else None, successors=others.order_by("name"))
    if not form.is_valid():
        return render(request, "staff/hold_hand_over.html", {"hold": hold, "leaving": leaving, "form": form})
    return _carry_out(
        request,
        lambda: hold_handover.hand_over(hold, from_=leaving, to=form.cleaned_data["to"], by=request.user),
        _("Your proposal waits for the person you chose. Nothing changes until they accept it."),
    )


@require_POST
@staff_required
def take_over(request: StaffRequest, pk: UUID) -> HttpResponse:
    hold = _found(request, pk)
    done = _("You are one of the two people of this hold now.")
    return _carry_out(request, lambda: hold_handover.accept(hold, by=request.user), done)


@require_POST
@staff_required
def not_hand_over(request: StaffRequest, pk: UUID) -> HttpResponse:
    hold = _found(request, pk)
    return _carry_out(request, lambda: hold_handover.decline(hold, by=request.user), _("It is not handed over."))


def _refused(request: StaffRequest, fault: Unseen) -> str:
    if fault.by != request.user.pk:
        return _("Nothing was changed: the colleague who proposed it has not looked at its pictures yet.")
    return _("Nothing was changed: look at its pictures first.")


@require_safe
@staff_required
def hold(request: StaffRequest, pk: UUID) -> HttpResponse:
    """What it keeps, for those who decide on it."""
    found = _to_decide(request, pk)
    pictures = held_pictures.shown(found, request.user)
    context = {
        "here": "holds",
        "hold": found,
        "pictures": pictures,
        "others": found.images.count() - len(pictures),
        "left": len(rules.left_to_see(found, request.user)),
    }
    return render(request, "staff/hold_look.html", context)


@require_GET
@staff_required
def picture(request: StaffRequest, pk: UUID, image: UUID) -> HttpResponse:
    return jpeg_or_404(held_pictures.picture(_to_decide(request, pk), image, request.user))


def _to_decide(request: StaffRequest, pk: UUID) -> Hold:
    """Whoever is asked to take a place in it is shown nothing before they accept."""
    found = _found(request, pk)
    if found.state != HoldState.PROPOSED and not rules.is_holder(found, request.user):
        raise Http404
    return found


def _found(request: StaffRequest, pk: UUID) -> Hold:
    hold = Hold.objects.select_related("proposed_by", "confirmed_by").filter(pk=pk).first()
    if hold is None or not _may_see(hold, request):
        raise Http404
    return hold


def _carry_out(request: StaffRequest, verb: Callable[[], object], done: str) -> HttpResponse:
    try:
        verb()
    except Unseen as fault:
        messages.warning(request, _refused(request, fault))
    except NotAllowed:
        messages.warning(
            request, _("Nothing was changed: this needs another person, another state, or the law has it kept longer.")
        )
    else:
        messages.success(request, done)
    return redirect("staff:holds")
