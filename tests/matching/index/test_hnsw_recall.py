"""An approximate index is measured against the exact one, and decides nothing."""

from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from matching import index
from matching.index import hnsw_recall
from tests.matching import builders

# A table with pending checks of foreign keys takes no new index, so the images have to be committed.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_kept(transactional_db: None) -> Iterator[None]:
    yield
    hnsw_recall.drop()


def run(*options: str) -> str:
    written = StringIO()
    call_command("index_recall", *options, stdout=written)
    return written.getvalue()


def approximate_indexes() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%hnsw%'")
        return int(cursor.fetchone()[0])


def test_it_measures_and_leaves_nothing_behind() -> None:
    builders.make_image(builders.unit_rows(300))
    lines = [line.split() for line in run("--probes", "20", "--similarity", "0.97").splitlines() if "of" in line]
    recalls = {int(line[0]): (float(line[1]), int(line[2]), int(line[4])) for line in lines if line[0].isdigit()}
    assert sorted(recalls) == [40, 100, 200, 400, 1000]
    assert recalls[1000] == (1.0, 20, 20)  # more than there are faces: nothing can be missed
    assert all(there == 20 and share == pytest.approx(found / 20) for share, found, there in recalls.values())
    assert approximate_indexes() == 0


def test_a_kept_index_changes_no_search() -> None:
    rows = builders.unit_rows(200)
    builders.make_image(rows)
    before = index.store().search(rows[:3], at_least=0.1)
    run("--probes", "5", "--keep")
    assert approximate_indexes() == 16
    assert index.store().search(rows[:3], at_least=0.1) == before


def test_an_empty_index_cannot_be_measured() -> None:
    with pytest.raises(CommandError, match="The index is empty"):
        run()
