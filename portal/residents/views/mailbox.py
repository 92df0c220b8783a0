"""The demonstration's mailbox. Outside the demonstration there is no such page."""

from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.residents import mailbox as mails


@never_cache
@require_safe
def mailbox(request: HttpRequest) -> HttpResponse:
    folder = getattr(settings, "EMAIL_FILE_PATH", None)
    if not settings.DEMO or not folder:
        raise Http404
    return render(request, "residents/mailbox.html", {"mails": mails.newest(Path(folder))})
