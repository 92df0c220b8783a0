"""Search is exact: it gives what comparing every face with every probe in NumPy gives."""

import numpy as np
import pytest
from django.db import connection
from psycopg.pq import TransactionStatus

from matching import index, service
from matching.index import pgvector
from matching.types import Band
from tests.matching import builders

pytestmark = pytest.mark.django_db


def test_it_finds_what_brute_force_finds() -> None:
    rows, probes = builders.unit_rows(400, dim=32), builders.unit_rows(3, seed=9, dim=32)
    builders.make_image(rows)
    best = (rows @ probes.T).max(axis=1)

    hits = index.store().search(probes, at_least=0.3)

    expected = np.sort(best[best >= 0.3])[::-1]
    assert len(hits) == len(expected) > 10
    assert [hit.similarity for hit in hits] == pytest.approx(list(expected), abs=2e-3)


def test_each_face_comes_once_by_its_best_probe() -> None:
    row = builders.unit_rows(1)[0]
    image = builders.make_image(row[None])
    probes = np.stack([builders.near(row, 0.97), builders.near(row, 0.99, seed=3)])
    (match,) = service.search(probes).matches
    assert match.image_id == image
    assert match.similarity == pytest.approx(0.99, abs=1e-3)


def test_confirmed_faces_become_probes() -> None:
    rows = builders.unit_rows(2)
    builders.make_image(rows)
    faces = [match.face_id for match in service.search(rows).matches]
    again = service.probes_of(faces)
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


def test_faces_are_filtered_before_they_are_sorted() -> None:
    """Sorting them first would write every embedding of the index into temporary files."""
    builders.make_image(builders.unit_rows(3000))
    probes = pgvector.literals(builders.unit_rows(16, seed=2))
    with pgvector.exact_scan() as cursor:
        cursor.execute(f"EXPLAIN {pgvector.SEARCH}", [probes, -0.9])
        plan = [row[0].strip() for row in cursor.fetchall()]
    assert sum(line.removeprefix("->").strip().startswith(("Sort  (", "Incremental Sort  (")) for line in plan) == 1
    assert any("Parallel Seq Scan" in line for line in plan)


def test_the_queries_are_the_approved_ones(request: pytest.FixtureRequest) -> None:
    """A change of a vector query is looked at twice: here and in review."""
    names = ("EXACT_SCAN", "SEARCH", "SEARCH_SHOWN", "SHOWN", "ADD", "EMBEDDINGS", "REMOVE", "HOLDS", "SIZE")
    queries = "\n".join(f"-- {name}\n{getattr(pgvector, name).strip()};\n" for name in names)
    approved = request.path.with_name("approved_queries.sql")
    assert queries == approved.read_text()


def test_what_is_certain_is_promised_for_the_whole_case() -> None:
    probe = builders.unit_rows(1)
    builders.make_image(probe)
    assert service.search(probe).matches[0].band is Band.CERTAIN
    assert service.search(probe, earlier=1000).matches[0].band is Band.PROBABLE
