"""Publishing: leaves numbered, a checkpoint signed, and nothing signed that does not grow out of what was."""

from collections.abc import Callable
from threading import Thread
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from portal.core import keys
from portal.ledger import checkpoint, leaves, log, publication, receipt, sequencer, signers
from portal.ledger.models import Checkpoint, Leaf, Opening, Position
from portal.ledger.note import Verifier
from portal.ledger.tree import Tree


def append(count: int = 1) -> list[Leaf]:
    return [leaves.commit(leaves.Kind.TRAIL, {"n": str(uuid4())})[0] for _ in range(count)]


def entries() -> list[bytes]:
    return list(log.entries(0, sequencer.size()))


@pytest.mark.django_db
def test_a_checkpoint_states_the_root_over_the_leaves_in_their_places(log_key: Verifier) -> None:
    append(5)
    made = publication.publish()
    assert made is not None
    head = checkpoint.read(made.note, [log_key])
    assert (head.origin, head.size, head.root) == ("log.example/ledger", 5, Tree(entries()).root())
    assert sorted(entries()) == sorted(bytes(leaf.hash) for leaf in Leaf.objects.all())
    assert signers.head() == made.note


@pytest.mark.django_db
def test_within_a_batch_places_follow_the_hashes_and_not_the_time(log_key: Verifier) -> None:
    for _ in range(2):
        append(20)
        publication.publish()
    assert entries()[:20] == sorted(entries()[:20])
    assert entries()[20:] == sorted(entries()[20:])


@pytest.mark.django_db
def test_nothing_new_is_no_new_checkpoint(log_key: Verifier) -> None:
    append()
    assert publication.publish() is not None
    assert publication.publish() is None
    assert Checkpoint.objects.count() == 1


@pytest.mark.django_db
def test_without_a_key_nothing_is_numbered(log_key: Verifier) -> None:
    (signers.folder() / "signers").unlink()
    append()
    with pytest.raises(signers.NoKey):
        publication.publish()
    assert sequencer.size() == 0


@pytest.mark.django_db
def test_a_leaf_has_no_receipt_before_it_is_published(log_key: Verifier) -> None:
    key_id = uuid4()
    keys.create(key_id)
    leaf = leaves.append(leaves.Kind.OPENED, key_id=key_id, commitment={})
    with pytest.raises(receipt.NotPublished):
        receipt.issue(leaf)
    publication.publish()
    assert receipt.issue(Leaf.objects.get(pk=leaf.pk)).startswith(b"c2sp.org/tlog-proof@v1\nextra ")


@pytest.mark.django_db(transaction=True)
def test_many_sequencers_at_once_leave_no_gap_and_place_nothing_twice(log_key: Verifier) -> None:
    """Appending goes on meanwhile, without waiting for the numbering."""
    faults: list[Exception] = []

    def work(task: Callable[[], object]) -> None:
        try:
            for _ in range(15):
                task()
        except Exception as fault:
            faults.append(fault)
        finally:
            connection.close()

    threads = [Thread(target=work, args=(task,)) for task in (append, append, sequencer.number, sequencer.number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert sequencer.number() == Leaf.objects.count() == 30
    assert list(Position.objects.order_by("index").values_list("index", flat=True)) == list(range(30))


@pytest.mark.django_db
def test_a_process_that_dies_after_signing_leaves_a_checkpoint_that_counts(log_key: Verifier) -> None:
    append(3)
    with pytest.raises(RuntimeError), transaction.atomic():
        made = publication.publish()
        raise RuntimeError  # the file is written, the row is not
    assert made is not None
    assert not Checkpoint.objects.exists()
    assert sequencer.size() == 0
    # Nothing of this database is what was signed now, so nothing more is.
    append(3)
    with pytest.raises(publication.Held):
        publication.publish()


@pytest.mark.django_db
def test_a_checkpoint_known_outside_the_table_alone_is_taken_in(log_key: Verifier) -> None:
    append(3)
    publication.publish()
    note = signers.head()
    # As if the process had died between the file and the row.
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("DELETE FROM ledger_checkpoint")
        cursor.execute("SET session_replication_role = origin")
    assert publication.publish() is None
    assert Checkpoint.objects.get().note == note


@pytest.mark.django_db
@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE ledger_leaf SET hash = decode(repeat('00', 32), 'hex') WHERE id = (SELECT max(id) FROM ledger_leaf)",
        "DELETE FROM ledger_position WHERE index = 3",
        "DELETE FROM ledger_position WHERE index = 1",
        "UPDATE ledger_position SET index = 9 WHERE index = 3",
    ],
)
def test_nothing_is_signed_on_top_of_changed_leaves(log_key: Verifier, tampering: str) -> None:
    append(4)
    publication.publish()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(tampering)
        cursor.execute("SET session_replication_role = origin")
    append(2)
    with pytest.raises(publication.Held):
        publication.publish()
    assert Checkpoint.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["ledger_position", "ledger_checkpoint", "ledger_keychange", "audit_root"])
@pytest.mark.parametrize("change", ["UPDATE {} SET {}", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_database_refuses_to_change_what_was_published(log_key: Verifier, table: str, change: str) -> None:
    append(2)
    publication.publish()
    column = {"ledger_position": "index = 7", "audit_root": "entries = 7"}.get(table, "note = ''")
    sql = change.format(table, column)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE takedown_app")
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            cursor.execute(sql)
        cursor.execute("RESET ROLE")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER append_only_truncate")
        if table in ("ledger_position", "ledger_checkpoint") or "TRUNCATE" in change:
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
                cursor.execute(sql)
        transaction.set_rollback(True)


@pytest.mark.django_db
@pytest.mark.parametrize("index", [0, 1, 3, 100])
def test_a_place_that_is_not_the_next_is_refused(log_key: Verifier, index: int) -> None:
    append(2)
    publication.publish()
    (leaf,) = append(1)
    with pytest.raises(DatabaseError), transaction.atomic():
        Position.objects.create(index=index, leaf=leaf)
    Position.objects.create(index=2, leaf=leaf)
    assert Opening.objects.count() == 0
