"""The trail's root, put into the ledger about once a day: whoever edits the trail later is found out.

A stretch ends at an entry, by its number, once every transaction that could still bring a lower one is over. The time
of an entry is what the application's clock said, and a clock that is set back would date new entries into a stretch
that is closed.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from django.db import connection, transaction
from django.db.models import Max, QuerySet

from portal.audit.models import Entry, Root
from portal.core import clock
from portal.ledger import leaves
from portal.ledger.models import Leaf
from portal.ledger.tree import Tree
from portal.policies import timetable

log = structlog.get_logger()
ENTRY_DOMAIN = b"takedown-portal/trail/v1\x00"
BLIND_BYTES = 32
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
# How long to wait for those who are writing; where they take longer, the next publication commits to it all.
PATIENCE = 30.0  # seconds
PAUSE = 0.05  # seconds
# Whoever adds an entry holds this lock from before it has a number until its transaction ends.
_WRITERS = """
SELECT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'audit_entry'::regclass AND mode = 'RowExclusiveLock' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND pid IS DISTINCT FROM pg_backend_pid()
"""


@transaction.atomic
def commit() -> Root | None:
    """Commit to every entry since the last root, when that is about a day old; None before."""
    last, now = Root.objects.order_by("-pk").first(), clock.now()
    # Where the clock was set back since, a day would take too long to pass.
    if last and timedelta(0) <= now - last.until < timetable.TRAIL_ROOT_EVERY:
        return None
    newest = _settled()
    if newest is None:
        log.warning("audit.trail_is_being_written")
        return None
    # What an older version committed to by its time is committed to again.
    after = last.last_entry if last else None
    blind = secrets.token_bytes(BLIND_BYTES)
    tree = _tree(_numbered(after, newest), blind)
    leaf, opened = leaves.commit(leaves.Kind.TRAIL, _body(now, tree.size, tree.root(), after, newest))
    return Root.objects.create(
        since=last.until if last else _BEGINNING,
        until=now,
        after_entry=after,
        last_entry=newest,
        entries=tree.size,
        root=tree.root(),
        blind=blind,
        leaf=leaf,
        salt=opened.salt,
    )


def _settled() -> int | None:
    """The newest entry, once every one with a lower number is there or never will be; None where that takes long."""
    newest: int = Entry.objects.aggregate(newest=Max("pk"))["newest"] or 0
    writing, until = _writers(), time.monotonic() + PATIENCE
    while writing:
        if time.monotonic() > until:
            return None
        time.sleep(PAUSE)
        writing &= _writers()
    return newest


def _writers() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(_WRITERS)
        return {transaction_id for (transaction_id,) in cursor.fetchall()}


@dataclass(frozen=True)
class Mismatch:
    """A stretch of the trail that is not what the ledger says it was."""

    since: datetime
    until: datetime
    entries_then: int
    entries_now: int


def mismatches() -> Iterator[Mismatch]:
    """Every stretch whose entries, or whose root, were changed, added to or taken from since."""
    for kept in Root.objects.order_by("pk").iterator():
        tree = _tree(_stretch(kept), bytes(kept.blind))
        if not _is_in_the_ledger(kept) or tree.root() != bytes(kept.root):
            yield Mismatch(kept.since, kept.until, kept.entries, tree.size)


def _is_in_the_ledger(kept: Root) -> bool:
    body = _body(kept.until, kept.entries, bytes(kept.root), kept.after_entry, kept.last_entry)
    expected = leaves.leaf_hash(bytes(kept.salt), leaves.body(leaves.Kind.TRAIL, body))
    return bytes(Leaf.objects.get(pk=kept.leaf_id).hash) == expected


def _body(until: datetime, entries: int, root: bytes, after: int | None, last: int | None) -> dict[str, str]:
    stretch = {} if last is None else {"after": "" if after is None else str(after), "last": str(last)}
    return {"until": until.astimezone(UTC).isoformat(), "entries": str(entries), "root": root.hex(), **stretch}


def _stretch(kept: Root) -> QuerySet[Entry]:
    if kept.last_entry is not None:
        return _numbered(kept.after_entry, kept.last_entry)
    return Entry.objects.filter(at__gte=kept.since, at__lt=kept.until)  # as an older version cut it


def _numbered(after: int | None, last: int) -> QuerySet[Entry]:
    """The first stretch begins with whatever number comes first."""
    entries = Entry.objects.filter(pk__lte=last)
    return entries if after is None else entries.filter(pk__gt=after)


def _tree(entries: QuerySet[Entry], blind: bytes) -> Tree:
    return Tree(_entry(entry, blind) for entry in entries.order_by("pk").iterator())


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
