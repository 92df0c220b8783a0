"""Receipts: one C2SP `tlog-proof` each, whose extra line is the opening of a leaf.

A receipt shows that the leaf is in the log that was signed. Of a case's second leaf it shows what its holder may see:
without sight that is the commitment to the record, of one size whatever the record says; with sight the record too.
"""

from portal.ledger import leaves, log, note, proof, rotation
from portal.ledger.models import Checkpoint, Leaf
from portal.ledger.note import ID_BYTES, Verifier

ENDING = "tlog-proof"


class NotPublished(Exception):
    """The leaf has no place in a signed checkpoint yet."""


def issue(leaf: Leaf, *, with_record: bool = False) -> bytes:
    """The receipt of `leaf` in the first checkpoint that holds it, so that receipts of one day look alike; of those
    that somebody else than a thief can have signed.

    Errors: NotPublished, KeyDestroyed, log.Damaged.
    """
    index, signed = _place(leaf)
    opened = leaves.open_leaf(leaf)
    extra: dict[str, object] = {"body": opened.body, "salt": opened.salt.hex()}
    if with_record:
        extra |= leaves.open_record(leaf) or {}
    path = log.tree(signed.size, bytes(signed.root)).inclusion(index, signed.size)
    text = proof.write(extra=leaves.canonical(extra), index=index, path=path, checkpoint=signed.note)
    return text.encode()


def _place(leaf: Leaf) -> tuple[int, Checkpoint]:
    position = getattr(leaf, "position", None)
    if position is None:
        raise NotPublished
    holding, lost = Checkpoint.objects.filter(size__gt=position.index).order_by("size", "pk"), rotation.compromised()
    if lost:
        signed = next((one for one in holding.iterator() if not _is_signed_by_these_alone(one, lost)), None)
    else:
        signed = holding.first()
    if signed is None:
        raise NotPublished
    return position.index, signed


def _is_signed_by_these_alone(signed: Checkpoint, keys: frozenset[Verifier]) -> bool:
    names = {(key.name, key.key_id) for key in keys}
    return all((name, raw[:ID_BYTES]) in names for name, raw in note.split(signed.note)[1])
