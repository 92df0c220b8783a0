"""The demonstration's mailbox. Outside the demonstration there is no such page."""

from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.residents import mailbox as mails


@never_cache
@require_safe
def mailbox(request: HttpRequest) -> HttpResponse:
    return render(request, "residents/mailbox.html", {"mails": mails.newest(_folder())})


@never_cache
@require_safe
def attachment(request: HttpRequest, digest: str, number: int) -> HttpResponse:
    """Always as a file to keep, whatever it says that it is, so that no browser runs it."""
    found = mails.attachment(_folder(), digest=digest, number=number)
    if found is None:
        raise Http404
    response = HttpResponse(found.content, content_type="application/octet-stream")
    disposition = content_disposition_header(as_attachment=True, filename=Path(found.name).name)
    response["Content-Disposition"] = disposition or "attachment"
    return response


def _folder() -> Path:
    folder = getattr(settings, "EMAIL_FILE_PATH", None)
    if not settings.DEMO or not folder:
        raise Http404
    return Path(folder)
