"""The trail's roots in the ledger: whoever edits the trail later is found out."""

from datetime import timedelta

import pytest
from django.db import connection

from portal.audit import append, roots
from portal.audit.models import Entry, Root
from portal.audit.tags import Tag
from portal.core import clock
from portal.ledger import leaves
from portal.ledger.models import Leaf
from portal.ledger.tree import EMPTY

pytestmark = pytest.mark.django_db


def days_of_entries(days: int) -> None:
    for _ in range(days):
        for number in range(5):
            append.append(Tag.CASE_OPENED, about=str(number), at=number, note="é")
        clock.move(timedelta(hours=26))
        roots.commit()


def as_superuser(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statement)
        cursor.execute("SET session_replication_role = origin")


def test_every_entry_of_a_stretch_is_under_its_root_and_each_root_has_a_leaf() -> None:
    days_of_entries(3)
    assert list(Root.objects.order_by("since").values_list("entries", flat=True)) == [5, 5, 5]
    assert Leaf.objects.count() == 3
    for begins, ends in (("since", "until"), ("after_entry", "last_entry")):
        spans = list(Root.objects.order_by("pk").values_list(begins, ends))
        assert [end for _begin, end in spans][:-1] == [begin for begin, _end in spans][1:]
    assert list(roots.mismatches()) == []


def test_it_commits_once_a_day() -> None:
    append.append(Tag.CASE_OPENED, about="1")
    assert roots.commit() is not None
    assert roots.commit() is None
    assert Root.objects.get().entries == 1
    clock.move(timedelta(hours=25))
    assert roots.commit() is not None
    assert Root.objects.latest("pk").entries == 0


@pytest.mark.parametrize("hours", [1, 25, -1, -25])
def test_a_clock_that_was_moved_and_set_right_changes_no_stretch(hours: int) -> None:
    days_of_entries(1)
    clock.move(timedelta(hours=hours))
    append.append(Tag.CASE_OPENED, about="moved")
    clock.move(timedelta(days=1))
    assert roots.commit() is not None
    clock.move(timedelta(days=-1, hours=-hours))
    for _ in range(3):
        append.append(Tag.CASE_OPENED, about="set right")
        roots.commit()
        clock.move(timedelta(hours=26))
    roots.commit()
    assert list(roots.mismatches()) == []
    assert sum(Root.objects.values_list("entries", flat=True)) == Entry.objects.count()


@pytest.mark.django_db(transaction=True)
def test_a_stretch_waits_for_whoever_is_writing_into_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roots, "PATIENCE", 0.2)
    other = connection.copy()
    with other.cursor() as writing:
        writing.execute("BEGIN")
        writing.execute("INSERT INTO audit_entry (at, tag, about, detail) VALUES (now(), 'x', 'slow', '{}')")
        append.append(Tag.CASE_OPENED, about="quick")
        assert roots.commit() is None
        writing.execute("COMMIT")
    other.close()
    made = roots.commit()
    assert made is not None
    assert made.entries == 2
    assert list(roots.mismatches()) == []


@pytest.mark.django_db(transaction=True)
def test_whoever_begins_to_write_later_holds_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their entries have higher numbers: only those who wrote when it began are waited for."""
    seen = iter([{"1/1"}, {"1/1", "2/2"}, {"2/2"}])
    monkeypatch.setattr(roots, "_writers", lambda: next(seen))
    assert roots.commit() is not None


def test_a_root_of_an_older_version_is_still_checked_by_time() -> None:
    days_of_entries(1)
    kept = Root.objects.get()
    body = {"until": kept.until.isoformat(), "entries": "5", "root": bytes(kept.root).hex()}
    old, opened = leaves.commit(leaves.Kind.TRAIL, body)
    as_superuser(f"UPDATE audit_root SET after_entry = NULL, last_entry = NULL, leaf_id = {old.pk}")
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE audit_root SET salt = %s", [opened.salt])
        cursor.execute("SET session_replication_role = origin")
    assert list(roots.mismatches()) == []
    clock.move(timedelta(hours=26))
    made = roots.commit()
    assert made is not None
    assert (made.after_entry, made.entries) == (None, 5)
    as_superuser("DELETE FROM audit_entry WHERE id = (SELECT max(id) FROM audit_entry)")
    assert len(list(roots.mismatches())) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET about = 'x' WHERE id = (SELECT min(id) FROM audit_entry)",
        "UPDATE audit_entry SET detail = detail || '{\"at\": 9}' WHERE id = (SELECT max(id) FROM audit_entry)",
        "UPDATE audit_entry SET actor = 1 WHERE id = (SELECT max(id) FROM audit_entry)",
        "DELETE FROM audit_entry WHERE id = (SELECT max(id) FROM audit_entry)",
        "INSERT INTO audit_entry (id, at, tag, about, detail) SELECT 0, at, tag, about, '{}' FROM audit_entry LIMIT 1",
        "UPDATE audit_root SET last_entry = last_entry + 1",
        "UPDATE audit_entry SET at = at - interval '1 day' WHERE id = (SELECT max(id) FROM audit_entry)",
        "UPDATE audit_root SET root = decode(repeat('00', 32), 'hex'), entries = 0",
    ],
)
def test_any_change_of_the_trail_or_of_a_root_is_found(statement: str) -> None:
    days_of_entries(2)
    as_superuser(statement)
    assert list(roots.mismatches()) != []


def test_a_trail_that_was_rewritten_together_with_its_root_does_not_match_its_leaf() -> None:
    days_of_entries(1)
    kept = Root.objects.get()
    as_superuser("DELETE FROM audit_entry")
    as_superuser(f"UPDATE audit_root SET entries = 0, root = decode('{EMPTY.hex()}', 'hex')")
    (found,) = roots.mismatches()
    assert (found.since, found.entries_then) == (kept.since, 0)
    assert not Entry.objects.exists()
