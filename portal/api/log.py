"""The public ledger as files: the newest checkpoint, the leaves, the log's keys. Anyone may keep copies of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotModified,
    StreamingHttpResponse,
)
from django.views.decorators.http import require_safe

from portal.ledger import log as ledger
from portal.ledger import proof, publication, signers, verify
from portal.ledger.models import Checkpoint, KeyChange
from portal.ledger.note import encode
from portal.policies.operations import KEEP_IMMUTABLE_FOR

TEXT = "text/plain; charset=utf-8"
# Leaves in a part of the file that never changes again once it is full.
PART = 65_536
T = TypeVar("T", bound=HttpResponseBase)
BRIEFLY, FOR_GOOD = "public, max-age=5", f"public, max-age={int(KEEP_IMMUTABLE_FOR.total_seconds())}, immutable"


@require_safe
def checkpoint(_request: HttpRequest) -> HttpResponse:
    """C2SP tlog-tiles: "This endpoint is mutable, so its headers SHOULD prevent caching beyond a few seconds." """
    return _text(_newest().note, BRIEFLY)


@require_safe
def checkpoint_of(_request: HttpRequest, size: int) -> HttpResponse:
    """The newest note of this size: a key that came later may have signed it again."""
    found = Checkpoint.objects.filter(size=size).order_by("-pk").first()
    if found is None:
        raise Http404
    return _text(found.note, BRIEFLY)


@require_safe
def consistency(_request: HttpRequest, old: int, new: int) -> HttpResponse:
    """That the log of `new` entries, a size that was signed, begins with the first `old`; the proof and the checkpoint
    of `new` in one file."""
    found = Checkpoint.objects.filter(size=new).order_by("-pk").first()
    if found is None or not 0 < old <= new:
        raise Http404
    path = ledger.tree(new, bytes(found.root)).consistency(old, new)
    return _text(proof.write_growth(old=old, path=path, checkpoint=found.note), BRIEFLY)


@require_safe
def checkpoints(_request: HttpRequest) -> HttpResponse:
    """Every size that was signed, oldest first, with its time: `size<TAB>root<TAB>time`."""
    rows = Checkpoint.objects.order_by("pk").iterator()
    lines = (f"{row.size}\t{encode(bytes(row.root))}\t{row.published_at:%Y-%m-%dT%H:%M:%SZ}\n" for row in rows)
    return _text("".join(lines), BRIEFLY)


@require_safe
def leaves(request: HttpRequest) -> HttpResponseBase:
    """One entry a line, base64 (RFC 4648, section 4), line n being entry n − 1; as many as the checkpoint says."""
    newest = _newest()
    tag = f'"{newest.size}-{bytes(newest.root).hex()}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified(headers={"ETag": tag})
    answer = StreamingHttpResponse(_lines(0, newest.size), content_type=TEXT)
    return _labelled(answer, BRIEFLY, tag)


@require_safe
def part(_request: HttpRequest, number: int) -> HttpResponseBase:
    """The same file in parts of 65,536 lines, counted from 0; the last one grows."""
    newest, start = _newest(), number * PART
    if start >= newest.size:
        raise Http404
    end = min(newest.size, start + PART)
    answer = StreamingHttpResponse(_lines(start, end), content_type=TEXT)
    return _labelled(answer, FOR_GOOD if end == start + PART else BRIEFLY, f'"{start}-{end}"')


@require_safe
def keys(_request: HttpRequest) -> HttpResponse:
    """The keys that sign now, newest first. Whoever checks a receipt takes them from somebody they trust."""
    try:
        return _text("".join(f"{key}\n" for key in signers.verifiers()), BRIEFLY)
    except signers.NoKey:
        raise Http404 from None


@require_safe
def key_changes(_request: HttpRequest) -> HttpResponse:
    """The signed statements that name each next key, oldest first, parted by an empty line."""
    notes = KeyChange.objects.order_by("pk").values_list("note", flat=True)
    return _text("\n".join(notes), BRIEFLY)


@require_safe
def verifier(_request: HttpRequest) -> HttpResponse:
    """verify.py as it stands here; a copy from elsewhere is the better one."""
    text = Path(verify.__file__).read_text(encoding="utf-8")
    answer = HttpResponse(text, content_type="text/x-python; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="verify.py"'
    return _labelled(answer, BRIEFLY)


def _newest() -> Checkpoint:
    newest = publication.latest()
    if newest is None:
        raise Http404
    return newest


def _lines(start: int, end: int) -> Iterator[bytes]:
    for entry in ledger.entries(start, end):
        yield encode(entry).encode() + b"\n"


def _text(text: str, cached: str) -> HttpResponse:
    return _labelled(HttpResponse(text, content_type=TEXT), cached)


def _labelled(answer: T, cached: str, tag: str = "") -> T:
    answer["Cache-Control"] = cached
    answer["Access-Control-Allow-Origin"] = "*"
    if tag:
        answer["ETag"] = tag
    return answer
