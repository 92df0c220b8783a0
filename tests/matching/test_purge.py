"""After a purge the bytes of a deleted embedding are in no file of its table any more."""

import numpy as np
import pytest
from django.db import connection, transaction

from matching import service
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
    rows = builders.unit_rows(40)
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
