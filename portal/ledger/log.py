"""The log as a tree in memory: read from the database once a process, then only what was added since."""

from collections.abc import Iterator
from threading import Lock

from django.db import connection

from portal.ledger.tree import Tree

_BATCH = 10_000
_lock = Lock()
_tree = Tree()


class Damaged(Exception):
    """The database's leaves are not those that were signed: somebody changed them, or an old backup was restored."""


def tree(size: int, root: bytes) -> Tree:
    """A tree of at least `size` entries whose root at `size` is `root`. Errors: Damaged.

    What this process remembers is checked against the signed root, and read anew where it does not match.
    """
    with _lock:
        if _tree.size < size:
            _tree.extend(entries(_tree.size, size))
        matches = _tree.size >= size and _tree.root(size) == root
    found = _tree if matches else reread(size)
    if found.size < size or found.root(size) != root:
        raise Damaged(f"the leaves do not give the root signed for size {size}")
    return found


def reread(size: int) -> Tree:
    """The tree of what the database holds now, whatever this process remembers."""
    global _tree
    fresh = Tree(entries(0, size))
    with _lock:
        _tree = fresh
    return fresh


def grow(tree: Tree, size: int) -> None:
    """Add what was numbered since it was read."""
    with _lock:
        if tree.size < size:
            tree.extend(entries(tree.size, size))


def entries(start: int, end: int) -> Iterator[bytes]:
    """The entries at [start, end), in order, up to the first place that is empty."""
    expected = start
    while expected < end:
        rows = _rows(expected, min(end, expected + _BATCH))
        if not rows:
            return
        for index, entry in rows:
            if index != expected:
                return
            expected += 1
            yield bytes(entry)


def _rows(start: int, end: int) -> list[tuple[int, bytes]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT placed.index, leaf.hash FROM ledger_position placed"
            " JOIN ledger_leaf leaf ON leaf.id = placed.leaf_id"
            " WHERE placed.index >= %s AND placed.index < %s ORDER BY placed.index",
            [start, end],
        )
        return list(cursor.fetchall())
