"""Clients who were shown removed images: how they are told, and what waits because they were not reached."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.accounts.access import StaffRequest, staff_required
from portal.audit.seen import Unseen
from portal.core.faults import IllegalMove, NotAllowed, Stale
from portal.notices import actions, queries
from portal.notices.models import Channel, Notice, Recipient, SettledBecause
from portal.notices.states import NoticeState
from portal.staff.forms_recipients import ChannelForm, SettleForm

PAGE = 20


@require_safe
@staff_required
def recipients(request: StaffRequest) -> HttpResponse:
    page = Paginator(queries.recipients(), PAGE).get_page(request.GET.get("page"))
    context = {
        "here": "recipients",
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number),
        "stuck": [(notice, queries.has_read(notice, request.user)) for notice in queries.stuck()[:PAGE]],
        "reasons": SettledBecause.choices,
    }
    return render(request, "staff/recipients.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def channel(request: StaffRequest, pk: int) -> HttpResponse:
    """Propose how a recipient is reached; a second person confirms."""
    recipient = get_object_or_404(Recipient, pk=pk)
    form = ChannelForm(request.POST if request.method == "POST" else None, initial={"language": recipient.language})
    if form.is_valid():
        chosen = form.cleaned_data
        try:
            actions.propose_channel(
                recipient, Channel(chosen["channel"]), chosen["endpoint"], chosen["language"], by=request.user
            )
        except actions.BadEndpoint:
            form.add_error("endpoint", _("Enter an https address on the public internet, without a user name"))
        else:
            messages.success(request, _("Your proposal waits for a second person. Nothing is sent there until then."))
            return redirect("staff:recipients")
    return render(request, "staff/channel.html", {"recipient": recipient, "form": form})


@require_POST
@staff_required
def confirm_channel(request: StaffRequest, pk: int) -> HttpResponse:
    recipient = get_object_or_404(Recipient, pk=pk)
    try:
        actions.confirm_channel(recipient, by=request.user)
    except NotAllowed:
        messages.warning(request, _("Nothing was changed: this needs another person than the one who proposed it."))
    else:
        messages.success(request, _("Confirmed. What waited for this recipient is sent now."))
    return redirect("staff:recipients")


@require_POST
@staff_required
def decline_channel(request: StaffRequest, pk: int) -> HttpResponse:
    recipient = get_object_or_404(Recipient, pk=pk)
    try:
        actions.decline_channel(recipient, by=request.user)
    except NotAllowed:
        messages.warning(request, _("Nothing was changed: no proposal waits."))
    else:
        messages.success(request, _("Declined. Nothing was changed."))
    return redirect("staff:recipients")


@require_POST
@staff_required
def retry_notice(request: StaffRequest, pk: UUID) -> HttpResponse:
    notice = get_object_or_404(Notice, pk=pk)
    try:
        actions.retry(notice, by=request.user)
    except (IllegalMove, Stale):
        messages.warning(request, _("Nothing was changed: it no longer waits for a person."))
    else:
        messages.success(request, _("It will be tried again."))
    return redirect("staff:recipients")


@require_safe
@staff_required
def notice(request: StaffRequest, pk: UUID) -> HttpResponse:
    """What it says, for whoever settles it by hand."""
    found = get_object_or_404(Notice.objects.select_related("recipient"), pk=pk, state=NoticeState.STUCK)
    context = {
        "here": "recipients",
        "notice": found,
        "told": queries.text(found, request.user),
        "images": found.items.count(),
        "reasons": SettledBecause.choices,
    }
    return render(request, "staff/notice.html", context)


@require_POST
@staff_required
def settle_notice(request: StaffRequest, pk: UUID) -> HttpResponse:
    notice, form = get_object_or_404(Notice, pk=pk), SettleForm(request.POST)
    if not form.is_valid():
        messages.warning(request, _("Nothing was changed: choose a reason."))
        return redirect("staff:recipients")
    try:
        actions.settle(notice, by=request.user, because=SettledBecause(form.cleaned_data["because"]))
    except Unseen:
        messages.warning(request, _("Nothing was changed: read the notice before you settle it."))
        return redirect("staff:notice", notice.pk)
    except (IllegalMove, Stale):
        messages.warning(request, _("Nothing was changed: it no longer waits for a person."))
    else:
        messages.success(request, _("Settled. What the notice said is destroyed."))
    return redirect("staff:recipients")
