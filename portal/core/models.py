"""The one table of the leaves: how often something was tried."""

from typing import ClassVar

from django.db import models


class Tally(models.Model):
    """How often one key of one scope was taken in the running period. The key is a keyed digest: nothing to read."""

    digest = models.BinaryField(primary_key=True, max_length=32)
    taken = models.PositiveIntegerField()
    ends_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["ends_at"], name="tally_ends")]

    def __str__(self) -> str:
        return f"{self.taken} until {self.ends_at:%H:%M}"
