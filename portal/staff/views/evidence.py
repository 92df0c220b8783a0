"""Pictures of people. Each one shown is one entry in the audit trail, and nothing keeps a copy on the way."""

from urllib.parse import quote
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from portal.accounts.access import StaffRequest, staff_required
from portal.cases import queries
from portal.staff import looking, match_cards
from portal.staff.views.cases import facts


@require_GET
@staff_required
def photo(request: StaffRequest, code: UUID, number: int | None = None) -> HttpResponse:
    """One of the subject's photos, the first unless named; 404 until unlocked, and once they are destroyed."""
    return jpeg_or_404(queries.evidence_photo(queries.case_to_act_on(request.user, code), request.user, number))


@require_GET
@staff_required
def match(request: StaffRequest, code: UUID, pk: int) -> HttpResponse:
    """A match's preview: pixelated until the case is unlocked."""
    return jpeg_or_404(queries.evidence_match(queries.match_for_staff(request.user, code, pk), request.user))


@require_GET
@staff_required
def look(request: StaffRequest, code: UUID, pk: int) -> HttpResponse:
    """One match beside the subject's photo, where it was found, and the way to the next that was not looked at."""
    found = queries.match_for_staff(request.user, code, pk)
    case = found.case
    if queries.unlocked_until(case, request.user) is None:
        here = quote(reverse("staff:look", args=[code, pk]))
        return redirect(f"{reverse('staff:unlock', args=[code])}?next={here}")
    shown = match_cards.of(case, by=request.user)
    others = [card.match for card in shown if card.is_open and card.match.pk != pk]
    context = {
        **facts(case, request.user),
        "card": next(card for card in shown if card.match.pk == pk),
        "source": queries.source(found, request.user),
        "looking": looking.at(case, others, by=request.user),
    }
    return render(request, "staff/look.html", context)


def jpeg_or_404(jpeg: bytes | None) -> HttpResponse:
    if jpeg is None:
        raise Http404
    headers = {"Cache-Control": "no-store, private", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(jpeg, content_type="image/jpeg", headers=headers)
