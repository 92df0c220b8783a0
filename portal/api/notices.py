"""For recipients' programs: the key that notices are signed with, and where they acknowledge one."""

from base64 import b64encode

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from portal.notices import actions, signing


@require_safe
def key(_request: HttpRequest) -> HttpResponse:
    """As Standard Webhooks writes a public key."""
    return HttpResponse(f"whpk_{b64encode(signing.public_key()).decode()}\n", content_type="text/plain; charset=utf-8")


@csrf_exempt  # the token is the proof, and no session is looked at
@require_POST
def acknowledge(_request: HttpRequest, token: str) -> HttpResponse:
    notice = actions.find(token)
    if notice is None:
        raise Http404
    actions.acknowledge(notice)
    return JsonResponse({"acknowledged": str(notice.pk)}, headers={"Cache-Control": "no-store"})
