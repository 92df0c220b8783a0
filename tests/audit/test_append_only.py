"""The trail is added to, never changed: neither by its owner nor by the role that web and workers use."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from portal.audit import append
from portal.audit.models import Entry
from portal.audit.tags import Tag

pytestmark = pytest.mark.django_db
CHANGES = ["UPDATE audit_entry SET about = ''", "DELETE FROM audit_entry", "TRUNCATE audit_entry"]


@pytest.mark.parametrize("change", CHANGES)
def test_its_owner_is_refused_by_the_triggers(change: str) -> None:
    append.append(Tag.CASE_OPENED, about="1")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE audit_entry ENABLE TRIGGER append_only_truncate")
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            cursor.execute(change)
        transaction.set_rollback(True)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("table", ["audit_entry", "ledger_leaf"])
def test_the_applications_role_may_not_even_try(change: str, table: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE takedown_app")
        cursor.execute(f"SELECT count(*) FROM {table}")
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            cursor.execute(change.replace("audit_entry", table).replace("about = ''", "id = 0"))
        cursor.execute("RESET ROLE")


def test_an_entry_is_written_or_not_with_the_change_it_records() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        append.append(Tag.CASE_OPENED, about="1")
        raise RuntimeError
    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    ("insert", "table"),
    [
        (
            "INSERT INTO audit_entry (at, tag, about, detail) VALUES ('2001-01-01', 'x', 'x', '{}') RETURNING at",
            "audit_entry",
        ),
        ("INSERT INTO ledger_leaf (hash, appended_at) VALUES ('x', '2001-01-01') RETURNING appended_at", "ledger_leaf"),
    ],
    ids=["entry", "leaf"],
)
def test_whoever_may_add_may_not_date_back(insert: str, table: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER dated")
        cursor.execute("SET LOCAL ROLE takedown_app")
        cursor.execute(insert)
        (dated,) = cursor.fetchone()
        transaction.set_rollback(True)
    assert abs(dated - datetime.now(UTC)) < timedelta(minutes=1)
