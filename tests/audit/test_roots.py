"""The trail's roots in the ledger: whoever edits the trail later is found out."""

from datetime import timedelta

import pytest
from django.db import connection

from portal.audit import append, roots
from portal.audit.models import Entry, Root
from portal.audit.tags import Tag
from portal.core import clock
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
    spans = list(Root.objects.order_by("since").values_list("since", "until"))
    assert [until for _since, until in spans][:-1] == [since for since, _until in spans][1:]
    assert list(roots.mismatches()) == []


def test_it_commits_once_a_day_and_leaves_out_what_may_still_be_under_way() -> None:
    append.append(Tag.CASE_OPENED, about="1")
    assert roots.commit() is not None
    assert roots.commit() is None
    assert Root.objects.get().entries == 0
    clock.move(timedelta(hours=25))
    assert roots.commit() is not None
    assert Root.objects.latest("until").entries == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET about = 'x' WHERE id = (SELECT min(id) FROM audit_entry)",
        "UPDATE audit_entry SET detail = detail || '{\"at\": 9}' WHERE id = (SELECT max(id) FROM audit_entry)",
        "UPDATE audit_entry SET actor = 1 WHERE id = (SELECT max(id) FROM audit_entry)",
        "DELETE FROM audit_entry WHERE id = (SELECT max(id) FROM audit_entry)",
        "INSERT INTO audit_entry (at, tag, about, detail) SELECT at, tag, about, detail FROM audit_entry LIMIT 1",
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
