"""The private trail: every view and every move. Rows are added, never changed; the database refuses the rest."""

from typing import Any, ClassVar

from django.db import models


class Entry(models.Model):
    """Holds ids, digests and reasons, never a name, address, image or embedding: it outlives the erasure it records."""

    at = models.DateTimeField(db_index=True)
    tag = models.CharField(max_length=40, db_index=True)
    # The account that acted, by number: an entry outlives accounts. Empty for a subject or the system.
    actor = models.BigIntegerField(null=True)
    # What it concerns: a case, removal, takedown or proposal, by its public id.
    about = models.CharField(max_length=64, db_index=True)
    detail: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["about", "at"])]

    def __str__(self) -> str:
        return f"{self.tag} {self.about}"


class Root(models.Model):
    """The Merkle root over one stretch of entries, to which one leaf of the ledger commits."""

    # When the one before it was made, and when this one was, as the clock then said.
    since = models.DateTimeField(unique=True)
    until = models.DateTimeField(unique=True)
    # Which entries it is over: those behind this one, all where there is none, up to this one and with it. Both are
    # empty in roots of an older version, which are over the entries dated from `since` until before `until`.
    after_entry = models.BigIntegerField(null=True)
    last_entry = models.BigIntegerField(null=True)
    entries = models.BigIntegerField()
    root = models.BinaryField(max_length=32)
    # Secret, so that one entry can be shown without making its neighbours guessable.
    blind = models.BinaryField(max_length=32)
    leaf = models.OneToOneField("ledger.Leaf", on_delete=models.PROTECT, related_name="+")
    salt = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return f"root until {self.until.isoformat()}"
