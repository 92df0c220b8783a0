"""Pictures of people. Each one shown is one entry in the audit trail, and nothing keeps a copy on the way."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_GET

from portal.accounts.access import StaffRequest, staff_required
from portal.cases import queries


@require_GET
@staff_required
def photo(request: StaffRequest, code: UUID, number: int | None = None) -> HttpResponse:
    """One of the subject's photos, the first unless named; 404 until unlocked, and once they are destroyed."""
    return _picture(queries.evidence_photo(queries.case_to_act_on(request.user, code), request.user, number))


@require_GET
@staff_required
def match(request: StaffRequest, code: UUID, pk: int) -> HttpResponse:
    """A match's preview: pixelated until the case is unlocked."""
    return _picture(queries.evidence_match(queries.match_for_staff(request.user, code, pk), request.user))


def _picture(jpeg: bytes | None) -> HttpResponse:
    if jpeg is None:
        raise Http404
    headers = {"Cache-Control": "no-store, private", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(jpeg, content_type="image/jpeg", headers=headers)
