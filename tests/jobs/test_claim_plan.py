"""Claiming stays quick however much is due: it reads an index in its order and never the table."""

from datetime import timedelta

import pytest
from django.db import connection

from portal.core import clock
from portal.jobs import queue
from portal.jobs.models import Job, Priority

pytestmark = pytest.mark.django_db

MANY = """
INSERT INTO jobs_job (kind, subject, state, run_at, priority, attempts, last_error, created_at, leased_until)
SELECT 'test.' || state || priority, n::text, state, %(now)s + make_interval(secs => n %% 1000 - offset_by),
       priority, 0, '', %(now)s,
       CASE WHEN state = 'running' THEN now() + interval '1 hour' END
FROM (VALUES ('due', 2, 2000, 100000), ('due', 1, -10, 50000), ('done', 1, 2000, 50000), ('running', 1, 0, 2))
     AS part (state, priority, offset_by, many), generate_series(1, part.many) AS n
"""


@pytest.fixture
def many(db: None) -> None:
    """100,000 jobs due, all bulk; 50,000 for later, of a higher priority; 50,000 done."""
    with connection.cursor() as cursor:
        cursor.execute(MANY, {"now": clock.now()})
        cursor.execute("ANALYZE jobs_job")


def plan() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) {queue.CLAIM}",
            {"lease": "00000000-0000-0000-0000-000000000001", "seconds": 60.0, "now": clock.now()},
        )
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.usefixtures("many")
def test_it_reads_an_index_in_order() -> None:
    found = plan()
    assert "Seq Scan" not in found
    assert "Sort" not in found
    assert "job_next" in found


@pytest.mark.usefixtures("many")
def test_it_takes_the_oldest_of_the_first_priority() -> None:
    Job.objects.filter(subject="77", state="due", priority=Priority.BULK).update(run_at=clock.now() - timedelta(days=1))
    claim = queue.claim()
    assert claim is not None
    assert claim.subject == "77"
