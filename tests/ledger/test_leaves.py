"""The two leaves of a case: commitments that say nothing by themselves."""

import hashlib
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from portal.core import keys
from portal.ledger import leaves
from portal.ledger.models import Leaf, Opening

pytestmark = pytest.mark.django_db


@pytest.fixture
def key_id() -> UUID:
    key_id = uuid4()
    keys.create(key_id)
    return key_id


def test_a_leaf_commits_to_its_salted_body(key_id: UUID) -> None:
    leaf = leaves.append(leaves.Kind.OPENED, key_id=key_id, commitment={"case": "1"})
    opened = leaves.open_leaf(leaf)
    bare = b'{"case":"1","kind":"opened","pad":""}'
    padded = bare[:-2] + b"0" * (leaves.BODY_BYTES - len(bare)) + b'"}'
    assert leaves.canonical(opened.body) == padded
    expected = hashlib.sha256(b"takedown-portal/leaf/v1\x00" + opened.salt + padded).digest()
    assert bytes(Leaf.objects.get().hash) == expected


def test_the_same_body_gives_another_leaf_each_time(key_id: UUID) -> None:
    hashes = {bytes(leaves.append(leaves.Kind.CLOSED, key_id=key_id, commitment={"case": "1"}).hash) for _ in range(20)}
    assert len(hashes) == 20


def test_openings_of_both_kinds_have_the_same_size(key_id: UUID) -> None:
    for kind in leaves.Kind:
        leaves.append(kind, key_id=key_id, commitment={"case": str(key_id)})
    sizes = {len(opening.sealed) for opening in Opening.objects.all()}
    assert len(sizes) == 1


def test_without_the_key_nobody_opens_it(key_id: UUID) -> None:
    leaf = leaves.append(leaves.Kind.OPENED, key_id=key_id, commitment={"case": "1"})
    keys.destroy(key_id)
    with pytest.raises(keys.KeyDestroyed):
        leaves.open_leaf(leaf)


@pytest.mark.parametrize("change", ["UPDATE ledger_leaf SET hash = ''", "DELETE FROM ledger_leaf"])
def test_the_database_refuses_to_change_a_leaf(key_id: UUID, change: str) -> None:
    Opening.objects.all().delete()
    leaf = leaves.append(leaves.Kind.OPENED, key_id=key_id, commitment={"case": "1"})
    leaves.forget(key_id)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
    assert Leaf.objects.filter(pk=leaf.pk).exists()
