"""The public Merkle log (RFC 6962): its leaves, their places, what was signed of it, and what opens the leaves.

All but the openings is added to and never changed: triggers refuse the rest, and the role of web and workers may not
even try. An opening goes with the key that seals it.
"""

from django.db import models


class Leaf(models.Model):
    """One salted commitment. Says nothing by itself: not even whether it opens or closes a case."""

    hash = models.BinaryField(max_length=32, unique=True)
    appended_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"leaf {self.pk}"


class Position(models.Model):
    """The place of a leaf in the log, given in batches when it is published; counted from 0, without gaps."""

    index = models.BigIntegerField(primary_key=True)
    leaf = models.OneToOneField(Leaf, on_delete=models.PROTECT)

    def __str__(self) -> str:
        return f"leaf {self.leaf_id} at {self.index}"


class Checkpoint(models.Model):
    """A signed statement of the log's size and root, as it was published."""

    size = models.BigIntegerField(db_index=True)
    root = models.BinaryField(max_length=32)
    note = models.TextField()
    published_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"checkpoint of {self.size}"


class KeyChange(models.Model):
    """A signed statement that names the log's next key."""

    note = models.TextField()
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"key change {self.pk}"


class Opening(models.Model):
    """The salt and body of a leaf, sealed under a key of the case: destroying it makes the leaf unopenable."""

    leaf = models.OneToOneField(Leaf, on_delete=models.PROTECT)
    key_id = models.UUIDField(db_index=True)
    sealed = models.BinaryField()
    # What the body of a closing leaf commits to in turn (portal.ledger.record): for staff and regulators, not for
    # a subject who may not see.
    record_sealed = models.BinaryField(null=True)

    def __str__(self) -> str:
        return f"opening of leaf {self.leaf_id}"
