"""What the operator's crawler reads: the list of addresses it must not fetch again."""

import hmac

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import quote_etag
from django.views.decorators.http import condition, require_safe

from portal.takedowns import feed

_TEXT = "text/plain; charset=utf-8"
READ_ANEW = (
    "This is not the list you have read so far, or you did not name it (list=, the second line of every page)."
    " Read it anew from after=0, and go on refusing what you have.\n"
)


def _after(request: HttpRequest) -> int:
    text = request.GET.get("after", "0")
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise Http404
    return int(text)


def _page(request: HttpRequest) -> str:
    """Errors: feed.AnotherList."""
    return feed.page(_after(request), request.GET.get("list", ""))


def _is_crawler(request: HttpRequest) -> bool:
    shown = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
    return bool(settings.CRAWLER_TOKEN) and hmac.compare_digest(shown, settings.CRAWLER_TOKEN.encode())


def _etag(request: HttpRequest) -> str | None:
    """A page's signature changes with any byte of it, and with the key."""
    if not _is_crawler(request):
        return None
    try:
        return quote_etag(_page(request).splitlines()[-1].split()[-1])
    except feed.AnotherList:
        return None


@require_safe
@condition(etag_func=_etag)
def refused_addresses(request: HttpRequest) -> HttpResponse:
    if not _is_crawler(request):
        raise Http404
    headers = {"Cache-Control": "no-cache, private"}
    try:
        return HttpResponse(_page(request), content_type=_TEXT, headers=headers)
    except feed.AnotherList:
        return HttpResponse(READ_ANEW, content_type=_TEXT, headers=headers, status=409)


@require_safe
def feed_key(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{feed.verifier()}\n", content_type=_TEXT)
