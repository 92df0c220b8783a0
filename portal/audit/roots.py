"""The trail's root, put into the ledger about once a day: whoever edits the trail later is found out."""

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction

from portal.audit.models import Entry, Root
from portal.core import clock
from portal.ledger import leaves
from portal.ledger.models import Leaf
from portal.ledger.tree import Tree

ENTRY_DOMAIN = b"takedown-portal/trail/v1\x00"
BLIND_BYTES = 32
# A little less than a day, so that a publication some seconds early does not skip one.
EVERY = timedelta(hours=20)
# An entry is dated before its transaction commits: by now every one dated earlier is there.
SETTLED_AFTER = timedelta(hours=1)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@transaction.atomic
def commit() -> Root | None:
    """Commit to every entry since the last root, when that is about a day old; None before."""
    last = Root.objects.order_by("-until").first()
    since, until = last.until if last else _BEGINNING, clock.now() - SETTLED_AFTER
    if until - since < EVERY:
        return None
    blind = secrets.token_bytes(BLIND_BYTES)
    tree = _tree(since, until, blind)
    body = {"until": until.isoformat(), "entries": str(tree.size), "root": tree.root().hex()}
    leaf, opened = leaves.commit(leaves.Kind.TRAIL, body)
    return Root.objects.create(
        since=since,
        until=until,
        entries=tree.size,
        root=tree.root(),
        blind=blind,
        leaf=leaf,
        salt=opened.salt,
    )


@dataclass(frozen=True)
class Mismatch:
    """A stretch of the trail that is not what the ledger says it was."""

    since: datetime
    until: datetime
    entries_then: int
    entries_now: int


def mismatches() -> Iterator[Mismatch]:
    """Every stretch whose entries, or whose root, were changed, added to or taken from since."""
    for kept in Root.objects.order_by("since").iterator():
        tree = _tree(kept.since, kept.until, bytes(kept.blind))
        if not _is_in_the_ledger(kept) or tree.root() != bytes(kept.root):
            yield Mismatch(kept.since, kept.until, kept.entries, tree.size)


def _is_in_the_ledger(kept: Root) -> bool:
    body = {
        "until": kept.until.astimezone(UTC).isoformat(),
        "entries": str(kept.entries),
        "root": bytes(kept.root).hex(),
    }
    expected = leaves.leaf_hash(bytes(kept.salt), leaves.body(leaves.Kind.TRAIL, body))
    return bytes(Leaf.objects.get(pk=kept.leaf_id).hash) == expected


def _tree(since: datetime, until: datetime, blind: bytes) -> Tree:
    entries = Entry.objects.filter(at__gte=since, at__lt=until).order_by("pk")
    return Tree(_entry(entry, blind) for entry in entries.iterator())


def _entry(entry: Entry, blind: bytes) -> bytes:
    salt = hmac.digest(blind, str(entry.pk).encode(), "sha256")
    plain = {
        "id": entry.pk,
        "at": entry.at.astimezone(UTC).isoformat(),
        "tag": entry.tag,
        "actor": entry.actor,
        "about": entry.about,
        "detail": entry.detail,
    }
    return hashlib.sha256(ENTRY_DOMAIN + salt + leaves.canonical(plain)).digest()
