"""RFC 6962 trees: against the definition itself, and against the vectors of transparency-dev/merkle."""

import json
from base64 import b64decode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.ledger.tree import (
    EMPTY,
    ProofError,
    Tree,
    check_consistency,
    check_inclusion,
    leaf_hash,
    node_hash,
)

ENTRIES = [bytes([number]) * 32 for number in range(70)]
VECTORS = 196


def by_definition(entries: list[bytes]) -> bytes:
    """MTH of section 2.1, word for word."""
    if not entries:
        return EMPTY
    if len(entries) == 1:
        return leaf_hash(entries[0])
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return node_hash(by_definition(entries[:split]), by_definition(entries[split:]))


def test_its_root_is_the_one_defined_at_every_size() -> None:
    tree = Tree(ENTRIES)
    for size in range(len(ENTRIES) + 1):
        assert tree.root(size) == by_definition(ENTRIES[:size])


@given(st.integers(1, 70), st.data())
def test_every_entry_has_a_proof_and_no_other_entry_passes_with_it(size: int, data: st.DataObject) -> None:
    tree, index = Tree(ENTRIES), data.draw(st.integers(0, size - 1))
    path, root = tree.inclusion(index, size), tree.root(size)
    check_inclusion(leaf_hash(ENTRIES[index]), index, size, path, root)
    for other in range(size):
        if other != index:
            with pytest.raises(ProofError):
                check_inclusion(leaf_hash(ENTRIES[index]), other, size, path, root)


@given(st.integers(1, 70), st.data())
def test_every_tree_grows_provably_out_of_every_earlier_one(new: int, data: st.DataObject) -> None:
    tree, old = Tree(ENTRIES), data.draw(st.integers(1, new))
    proof = tree.consistency(old, new)
    check_consistency(old, new, proof, tree.root(old), tree.root(new))
    rewritten = Tree([b"changed" * 4, *ENTRIES[1:]])
    with pytest.raises(ProofError):
        check_consistency(old, new, proof, tree.root(old), rewritten.root(new))


@pytest.mark.parametrize("size", [-1, 71])
def test_it_knows_nothing_of_sizes_it_never_had(size: int) -> None:
    with pytest.raises(IndexError):
        Tree(ENTRIES).root(size)


@pytest.mark.realfaces
def test_all_vectors_of_transparency_dev_pass(shared: Path) -> None:
    files = sorted((shared / "vectors" / "merkle").rglob("*.json"))
    assert len(files) == VECTORS
    wrong = [
        file for file in files if _is_refused(json.loads(file.read_text())) != json.loads(file.read_text())["wantErr"]
    ]
    assert wrong == []


def _is_refused(vector: dict[str, object]) -> bool:
    proof = [b64decode(step) for step in vector["proof"] or []]  # type: ignore[attr-defined]  # a list, or null
    raw = {name: b64decode(str(vector[name])) for name in ("root", "root1", "root2", "leafHash") if vector.get(name)}
    number = {name: int(str(vector[name])) for name in ("leafIdx", "treeSize", "size1", "size2") if name in vector}
    try:
        if "size1" in vector:
            check_consistency(number["size1"], number["size2"], proof, raw.get("root1", b""), raw.get("root2", b""))
        else:
            hashed = raw.get("leafHash", b"")
            check_inclusion(hashed, number["leafIdx"], number["treeSize"], proof, raw.get("root", b""))
    except ProofError:
        return True
    return False
