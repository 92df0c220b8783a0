"""Gives leaves their places: appending is not serialised, numbering is, by one sequencer at a time, in batches."""

from django.db import connection, transaction

# Any number; every process takes the same.
_LOCK = 0x6C6F6773

# In the order of their hashes, which are salted: a place in a batch says neither when nor for what a leaf was written.
_NUMBER = """
INSERT INTO ledger_position (index, leaf_id)
SELECT %(size)s + row_number() OVER (ORDER BY leaf.hash) - 1, leaf.id
FROM ledger_leaf leaf
WHERE NOT EXISTS (SELECT FROM ledger_position placed WHERE placed.leaf_id = leaf.id)
ORDER BY leaf.hash
"""


def lock() -> None:
    """Until the transaction ends, nobody else numbers leaves or signs."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


@transaction.atomic
def number() -> int:
    """Place every leaf that has none, after those that have one. Returns the size of the log."""
    lock()
    with connection.cursor() as cursor:
        before = size()
        cursor.execute(_NUMBER, {"size": before})
        return before + int(cursor.rowcount)


def size() -> int:
    """One more than the last place; a trigger lets none be left out."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(index) + 1, 0) FROM ledger_position")
        row: tuple[int] = cursor.fetchone()
    return row[0]
