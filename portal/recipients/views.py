"""Where a client who was shown removed images says that it deleted them. The link of the mail is all it needs."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from portal.notices import actions
from portal.notices.models import Notice
from portal.notices.states import ENDED

_SESSION_KEY = "notice"


@require_safe
@never_cache
def open_notice(request: HttpRequest, token: str) -> HttpResponse:
    """The token leaves the address at once: addresses end up in logs and histories."""
    if actions.find(token) is None:
        raise Http404
    request.session[_SESSION_KEY] = token
    return redirect("recipients:notice")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def notice(request: HttpRequest) -> HttpResponse:
    found = _found(request)
    if request.method == "POST":
        actions.acknowledge(found)
        return redirect("recipients:notice")
    context = {"notice": found, "images": found.items.count(), "is_ended": found.state in ENDED}
    return render(request, "recipients/notice.html", context)


def _found(request: HttpRequest) -> Notice:
    found = actions.find(request.session.get(_SESSION_KEY, ""))
    if found is None:
        raise Http404
    return found
