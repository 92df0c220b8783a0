"""The place of the public Merkle log (RFC 6962): the leaves, and what opens them."""

from django.db import models


class Leaf(models.Model):
    """One salted commitment. Says nothing by itself: not even whether it opens or closes a case."""

    hash = models.BinaryField(max_length=32, unique=True)
    appended_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"leaf {self.pk}"


class Opening(models.Model):
    """The salt and body of a leaf, sealed under the case's key: destroying the key makes the leaf unopenable."""

    leaf = models.OneToOneField(Leaf, on_delete=models.PROTECT)
    key_id = models.UUIDField(db_index=True)
    sealed = models.BinaryField()

    def __str__(self) -> str:
        return f"opening of leaf {self.leaf_id}"
