"""Nothing is served from a database that has forgotten what was erased (matching.erasure.tombstones)."""

import time
from collections.abc import Callable

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from matching import service

# How long an answer holds: the sweep replays within seconds, and a request costs no query more.
LOOKED_FOR = 2.0
RETRY_AFTER = 30  # seconds
OPEN_PATHS = ("/healthz",)

Respond = Callable[[HttpRequest], HttpResponse]


def closed_while_behind(respond: Respond) -> Respond:
    """Middleware: 503 for everything but the health check."""
    open_until = 0.0

    def gate(request: HttpRequest) -> HttpResponse:
        nonlocal open_until
        if request.path in OPEN_PATHS or time.monotonic() < open_until:
            return respond(request)
        if is_behind():
            # Without templates, sessions or languages: none of them may be trusted yet.
            text = _("The portal was restored from a backup and is being brought up to date. Try again in a minute.")
            return HttpResponse(text, content_type="text/plain", status=503, headers={"Retry-After": str(RETRY_AFTER)})
        open_until = time.monotonic() + LOOKED_FOR
        return respond(request)

    return gate


def is_behind() -> bool:
    """A database that cannot be asked is another fault, which the page itself meets."""
    try:
        return service.is_behind()
    except DatabaseError:
        return False
