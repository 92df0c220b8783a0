"""What the operator's crawler reads: the list of addresses it must not fetch again."""

import hmac

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import quote_etag
from django.views.decorators.http import condition, require_safe

from portal.takedowns import feed


def _after(request: HttpRequest) -> int:
    text = request.GET.get("after", "0")
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise Http404
    return int(text)


def _is_crawler(request: HttpRequest) -> bool:
    shown = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
    return bool(settings.CRAWLER_TOKEN) and hmac.compare_digest(shown, settings.CRAWLER_TOKEN.encode())


def _etag(request: HttpRequest) -> str | None:
    """A page's signature changes with any byte of it, and with the key."""
    if not _is_crawler(request):
        return None
    return quote_etag(feed.page(_after(request)).splitlines()[-1].split()[-1])


@require_safe
@condition(etag_func=_etag)
def refused_addresses(request: HttpRequest) -> HttpResponse:
    if not _is_crawler(request):
        raise Http404
    headers = {"Cache-Control": "no-cache, private"}
    return HttpResponse(feed.page(_after(request)), content_type="text/plain; charset=utf-8", headers=headers)


@require_safe
def feed_key(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{feed.verifier()}\n", content_type="text/plain; charset=utf-8")
