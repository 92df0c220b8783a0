"""The search in PostgreSQL: how its queries run, and what they leave behind."""

import numpy as np
import pytest
from django.db import connection
from psycopg.pq import TransactionStatus

from matching import index, service
from matching.index import hnsw_recall, milvus, pgvector, sweep, table_scan
from matching.types import Band
from tests.matching import builders

pytestmark = pytest.mark.django_db


def test_confirmed_faces_become_probes() -> None:
    rows = builders.unit_rows(2)
    builders.make_image(rows)
    faces = [match.face_id for match in service.search(rows).matches]
    again = np.stack([service.probes_of(faces)[face] for face in faces])
    assert np.sort((again @ rows.T).max(axis=1)) == pytest.approx([1, 1], abs=1e-3)


def test_without_probes_it_finds_nothing() -> None:
    builders.make_image(builders.unit_rows(1))
    assert service.search(np.zeros((0, 128), np.float32)).matches == ()


@pytest.mark.django_db(transaction=True)
def test_it_leaves_no_transaction_and_no_setting_behind() -> None:
    probe = builders.unit_rows(1)
    builders.make_image(probe)
    assert not connection.in_atomic_block
    assert len(service.search(probe).matches) == 1
    assert connection.connection.info.transaction_status == TransactionStatus.IDLE
    with connection.cursor() as cursor:
        cursor.execute("SHOW parallel_tuple_cost")
        assert cursor.fetchone() == ("0.1",)


def test_a_search_sorts_nothing_and_scans_in_parallel() -> None:
    """Sorting faces would write every embedding of the index into temporary files."""
    builders.make_image(builders.unit_rows(3000))
    query, given = pgvector.query([(probe, 0.9) for probe in builders.unit_rows(16, seed=2)])
    with pgvector.exact_scan() as cursor:
        cursor.execute(f"EXPLAIN {query}", given)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Sort" not in plan
    assert "Parallel Seq Scan" in plan


def test_the_queries_are_the_approved_ones(request: pytest.FixtureRequest) -> None:
    """A change of a vector query is looked at twice: here and in review."""
    queries = "\n".join(f"-- {name}\n{text.strip()};\n" for name, text in sorted(all_queries().items()))
    approved = request.path.with_name("approved_queries.sql")
    assert queries == approved.read_text()


def all_queries() -> dict[str, str]:
    """Whatever is written in capitals in the modules that may speak of vectors."""
    return {
        name: text
        for module in (pgvector, table_scan, hnsw_recall, milvus)
        for name, text in vars(module).items()
        if name.isupper() and isinstance(text, str) and " " in text
    }


def test_what_is_certain_is_promised_for_the_whole_case() -> None:
    probe = builders.unit_rows(1)
    builders.make_image(probe)
    assert service.search(probe).matches[0].band is Band.CERTAIN
    with_many_more = np.concatenate([probe, builders.unit_rows(5000, seed=9)])
    assert service.search(with_many_more).matches[0].band is Band.PROBABLE


def test_a_sweep_by_either_query_reads_the_same() -> None:
    builders.make_image(builders.unit_rows(30))
    with connection.cursor() as cursor:
        cursor.execute(table_scan.HAS_CAST)
        assert cursor.fetchone() == (True,)
    as_they_lie = read()
    with connection.cursor() as cursor:
        cursor.execute("DROP CAST (halfvec AS bytea)")  # undone with the test's transaction
    assert read() == as_they_lie
    assert len(as_they_lie) == 30


def read() -> list[tuple[int, list[int]]]:
    return [
        (face_id, row)
        for block in table_scan.blocks(128)
        for face_id, row in zip(block.face_ids.tolist(), block.halves.astype("<i2").tolist(), strict=True)
    ]


def test_a_sweep_refuses_probes_of_another_dimension() -> None:
    builders.make_image(builders.unit_rows(3))
    with pytest.raises(ValueError, match="another dimension"):
        index.store().sweep([builders.unit_rows(pgvector.MOST_IN_SQL + 1, dim=64)], at_least=[0.3])


@pytest.mark.django_db(transaction=True)
def test_a_sweep_cut_short_leaves_the_connection_usable() -> None:
    builders.make_image(builders.unit_rows(300))
    for taken in range(3):
        reading = sweep.read_ahead(table_scan.blocks(128))
        for _ in range(taken):
            next(reading)
        reading.close()
        assert connection.connection.info.transaction_status == TransactionStatus.IDLE
    assert index.store().size() == 300
