"""After a purge the bytes of a deleted embedding are in no file of its table any more."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import numpy as np
import pytest
from django.db import connection, transaction

from matching import service
from matching.erasure import disk_residue, purging
from matching.models import Residue
from matching.types import Embeddings, Store
from tests.matching import builders


def on_disk(row: Embeddings) -> int:
    """How many of the tables' files still hold the embedding, read past PostgreSQL's visibility rules."""
    needle = row.astype(np.float16).tobytes()
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute(
            "SELECT pg_read_binary_file(pg_relation_filepath(relid)) FROM pg_partition_tree('matching_face')"
            " WHERE isleaf"
        )
        return sum(needle in bytes(content) for (content,) in cursor.fetchall())


@pytest.mark.django_db(transaction=True)
def test_it_takes_a_deleted_embedding_off_the_disk() -> None:
    # Rows of no other test: what those rolled back lies dead in the same files.
    rows = builders.unit_rows(40, seed=9041)
    image = builders.make_image(rows)
    kept = builders.make_image(builders.unit_rows(1, seed=5))
    service.erase(image, Store.INDEX)
    assert on_disk(rows[0]) == 1  # deleting is not enough, or this test proves nothing

    report = service.purge()

    assert report.complete
    assert "matching_harvestedimage" in report.rewritten
    assert sum(on_disk(row) for row in rows) == 0
    assert service.present(kept, Store.INDEX)
    assert not Residue.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_with_nothing_deleted_it_rewrites_nothing() -> None:
    builders.make_image(builders.unit_rows(1))
    assert service.purge().rewritten == ()


@pytest.mark.django_db
def test_it_refuses_inside_a_transaction() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        service.purge()


@contextmanager
def acting_as(role: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {role}")
        try:
            yield
        finally:
            cursor.execute("RESET ROLE")


@pytest.mark.django_db(transaction=True)
def test_the_rights_of_the_app_are_enough() -> None:
    service.erase(builders.make_image(builders.unit_rows(3)), Store.INDEX)
    with acting_as("takedown_app"):
        report = service.purge()
    assert report.complete
    assert report.log_checked
    assert report.rewritten


@pytest.mark.django_db(transaction=True)
def test_without_the_right_to_rewrite_it_says_what_is_left() -> None:
    image = builders.make_image(builders.unit_rows(1))
    service.erase(image, Store.INDEX)
    with connection.cursor() as cursor:
        cursor.execute("REVOKE MAINTAIN ON matching_harvestedimage FROM takedown_app")
        try:
            with acting_as("takedown_app"):
                report = service.purge()
        finally:
            cursor.execute("GRANT MAINTAIN ON matching_harvestedimage TO takedown_app")
    assert report.unfinished == ("matching_harvestedimage",)
    assert not report.complete
    assert Residue.objects.get().relation == "matching_harvestedimage"
    assert service.unpurged([image]) == {image}


@pytest.mark.django_db(transaction=True)
def test_a_server_that_keeps_its_log_to_itself_does_not_hold_up_a_removal() -> None:
    role = f"managed_{uuid4().hex}"  # roles belong to the whole server, which parallel tests share
    image = builders.make_image(builders.unit_rows(1))
    service.erase(image, Store.INDEX)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {role}")
        cursor.execute(f"GRANT SELECT, DELETE, MAINTAIN ON ALL TABLES IN SCHEMA public TO {role}")
        try:
            with acting_as(role):
                report = service.purge()
        finally:
            cursor.execute(f"DROP OWNED BY {role}")
            cursor.execute(f"DROP ROLE {role}")
    assert not report.log_recycled
    assert (report.log_files, report.stray_files) == (None, None)
    assert not report.left_behind
    assert not report.log_checked
    assert report.complete
    assert service.unpurged([image]) == frozenset()


@pytest.mark.django_db(transaction=True)
def test_a_file_that_belongs_to_no_table_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as its transaction lasts, a new table's file looks like one that a killed server left."""
    service.erase(builders.make_image(builders.unit_rows(1)), Store.INDEX)
    other = connection.copy()
    with other.cursor() as writing:
        writing.execute("BEGIN")
        writing.execute("CREATE TABLE unseen AS SELECT generate_series(1, 1000)")
        writing.execute("SELECT pg_relation_filenode('unseen')::text")
        (file,) = writing.fetchone()
        monkeypatch.setattr(purging, "SNAPSHOT_WAIT", 0.2)
        monkeypatch.setattr(disk_residue, "PATIENCE", 0.2)
        report = service.purge()
        writing.execute("ROLLBACK")
    other.close()
    assert report.stray_files == (file,)
    assert report.left_behind
    assert not report.log_checked


@pytest.mark.django_db(transaction=True)
def test_the_log_is_clean_once_it_was_so_twice_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([("000000010000000000000001",), (), ("000000010000000000000009",), (), (), ("never asked for",)])
    monkeypatch.setattr(disk_residue, "log_files", lambda before: next(looks))
    assert purging.recycle_log() == (True, ())
    assert next(looks) == ("never asked for",)


@contextmanager
def snapshot_elsewhere() -> Iterator[None]:
    """Another session that looked once and has not ended its transaction."""
    reader = connection.copy()
    with reader.cursor() as looking:
        looking.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        looking.execute("SELECT count(*) FROM matching_indexpack")
        yield
        looking.execute("ROLLBACK")
    reader.close()


@pytest.mark.django_db(transaction=True)
def test_later_deletions_do_not_hold_up_those_that_no_one_can_see(monkeypatch: pytest.MonkeyPatch) -> None:
    # Rows of no other test, as above.
    rows, later_rows = builders.unit_rows(40, seed=9042), builders.unit_rows(40, seed=9043)
    image, later = builders.make_image(rows), builders.make_image(later_rows)
    service.erase(image, Store.INDEX)
    purging.wait_for_snapshots(Residue.objects.latest("deleted_in").deleted_in)  # by parallel tests
    monkeypatch.setattr(purging, "SNAPSHOT_WAIT", 0.2)
    with snapshot_elsewhere():
        service.erase(later, Store.INDEX)
        report = service.purge()
        assert sum(on_disk(row) for row in rows) == 0
        assert sum(on_disk(row) for row in later_rows) == 40
    assert "matching_harvestedimage" in report.rewritten
    assert not report.complete
    assert service.unpurged([image, later]) == {later}
    monkeypatch.undo()
    assert service.purge().complete
    assert sum(on_disk(row) for row in later_rows) == 0
    assert service.unpurged([image, later]) == frozenset()


@pytest.mark.django_db(transaction=True)
def test_a_deletion_takes_a_transaction_of_its_own() -> None:
    """In a savepoint the rows would carry a later transaction than the one remembered, and outlive the purge."""
    image = builders.make_image(builders.unit_rows(1))
    with transaction.atomic(), pytest.raises(RuntimeError):
        service.erase(image, Store.INDEX)
    assert service.present(image, Store.INDEX)


@pytest.mark.django_db(transaction=True)
def test_an_older_snapshot_elsewhere_keeps_the_rows_for_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "SNAPSHOT_WAIT", 0.2)
    image = builders.make_image(builders.unit_rows(1))
    with snapshot_elsewhere():
        service.erase(image, Store.INDEX)
        report = service.purge()
    assert "matching_harvestedimage" in report.unfinished
    assert not report.rewritten
    monkeypatch.undo()
    assert service.purge().complete


@pytest.mark.django_db(transaction=True)
def test_an_older_writer_in_another_database_keeps_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rewrite's own snapshot reaches back to any transaction of the server that is still writing."""
    monkeypatch.setattr(purging, "SNAPSHOT_WAIT", 0.2)
    image = builders.make_image(builders.unit_rows(1))
    writer = connection.copy()
    writer.settings_dict = {**writer.settings_dict, "NAME": "postgres"}
    with writer.cursor() as writing:
        writing.execute("BEGIN")
        writing.execute("SELECT pg_current_xact_id()")
        service.erase(image, Store.INDEX)
        kept = service.purge().unfinished
        writing.execute("ROLLBACK")
    writer.close()
    assert "matching_harvestedimage" in kept
