"""The Merkle tree of RFC 6962, section 2.1, over SHA-256: roots, audit paths and consistency proofs of any size so far.

An entry is hashed as SHA-256(0x00 ‖ entry), a node as SHA-256(0x01 ‖ left ‖ right), so neither passes for the other.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY = sha256(b"").digest()


class ProofError(ValueError):
    """The proof does not lead from what it starts with to the root it claims."""


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """Grows by appending; level k keeps the hashes of the complete subtrees of 2^k leaves, side by side."""

    def __init__(self, entries: Iterable[bytes] = ()) -> None:
        self._levels: list[bytearray] = [bytearray()]
        self.size = 0
        self.extend(entries)

    def extend(self, entries: Iterable[bytes]) -> None:
        for entry in entries:
            self._append(leaf_hash(entry))

    def _append(self, hashed: bytes) -> None:
        self._levels[0] += hashed
        self.size += 1
        size, level = self.size, 0
        while size % 2 == 0:
            row = self._levels[level]
            level += 1
            if level == len(self._levels):
                self._levels.append(bytearray())
            self._levels[level] += sha256(b"\x01" + row[-2 * HASH_BYTES :]).digest()
            size //= 2

    def root(self, size: int | None = None) -> bytes:
        """MTH of the first `size` entries; of all by default."""
        return self._range(0, self._checked(self.size if size is None else size))

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """PATH(index, D[size]) of section 2.1.1, from the leaf's sibling up to the root's child."""
        if not 0 <= index < self._checked(size):
            raise IndexError(index)
        return self._path(index, 0, size)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """PROOF(old, D[new]) of section 2.1.2."""
        if not 0 < old <= self._checked(new):
            raise IndexError(old)
        return self._subproof(old, 0, new, whole=True)

    def _checked(self, size: int) -> int:
        if not 0 <= size <= self.size:
            raise IndexError(size)
        return size

    def _range(self, start: int, end: int) -> bytes:
        """MTH(D[start:end]). `start` is always a multiple of the least power of two that holds the range."""
        size = end - start
        if size == 0:
            return EMPTY
        if size & (size - 1) == 0:
            level = size.bit_length() - 1
            place = (start >> level) * HASH_BYTES
            return bytes(self._levels[level][place : place + HASH_BYTES])
        middle = start + _split(size)
        return node_hash(self._range(start, middle), self._range(middle, end))

    def _path(self, index: int, start: int, end: int) -> list[bytes]:
        if end - start == 1:
            return []
        middle = start + _split(end - start)
        if index < middle:
            return [*self._path(index, start, middle), self._range(middle, end)]
        return [*self._path(index, middle, end), self._range(start, middle)]

    def _subproof(self, old: int, start: int, end: int, *, whole: bool) -> list[bytes]:
        """SUBPROOF(old, D[start:end], whole); `old` counts from the first leaf of the log."""
        if old == end:
            return [] if whole else [self._range(start, end)]
        middle = start + _split(end - start)
        if old <= middle:
            return [*self._subproof(old, start, middle, whole=whole), self._range(middle, end)]
        return [*self._subproof(old, middle, end, whole=False), self._range(start, middle)]


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def check_inclusion(hashed: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """RFC 9162, section 2.1.3.2. `hashed` is the leaf's hash. Errors: ProofError."""
    _require(0 <= index < size and _are_hashes([hashed, root, *proof]))
    node, last = index, size - 1
    for step in proof:
        _require(last != 0)
        if node & 1 or node == last:
            hashed = node_hash(step, hashed)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            hashed = node_hash(hashed, step)
        node, last = node >> 1, last >> 1
    _require(last == 0 and hashed == root)


def check_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """RFC 9162, section 2.1.4.2. Of an empty tree nothing can be shown. Errors: ProofError."""
    _require(0 < old <= new)
    if old == new:
        _require(not proof and old_root == new_root)
        return
    _require(_are_hashes([old_root, new_root, *proof]))
    steps = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    _require(bool(steps) and bool(proof))
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        _require(last != 0)
        if node & 1 or node == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, step)
        node, last = node >> 1, last >> 1
    _require(last == 0 and first == old_root and second == new_root)


def _are_hashes(values: Sequence[bytes]) -> bool:
    return all(len(value) == HASH_BYTES for value in values)


def _require(holds: bool) -> None:
    if not holds:
        raise ProofError
