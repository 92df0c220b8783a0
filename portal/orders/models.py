"""A regulator's demand to delete by scope, or by a list."""

from typing import ClassVar
from uuid import UUID, uuid4

from django.conf import settings
from django.db import models

from matching.types import Scope
from portal.orders.states import State

NOTHING_YET = UUID(int=0)


class Order(models.Model):
    code = models.UUIDField(primary_key=True, default=uuid4)
    # Who demands it, and the number of their file.
    authority = models.CharField(max_length=120)
    reference = models.CharField(max_length=80)
    # The scope: what is empty does not narrow it. Ignored where a list was given.
    by_list = models.BooleanField(default=False)
    site = models.CharField(max_length=255, blank=True)
    country = models.CharField(max_length=2, blank=True)
    harvested_from = models.DateField(null=True)
    harvested_until = models.DateField(null=True)
    state = models.CharField(max_length=12, choices=State, default=State.PROPOSED)
    paused = models.BooleanField(default=False)
    # How many images the scope held when it was proposed: what the second person confirms.
    images = models.PositiveBigIntegerField()
    # The last image that was looked at in this pass over the scope, and how many were opened in it.
    cursor = models.UUIDField(default=NOTHING_YET)
    opened_in_pass = models.PositiveBigIntegerField(default=0)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"order {self.code}"

    @property
    def scope(self) -> Scope:
        return Scope(
            site=self.site,
            country=self.country,
            harvested_from=self.harvested_from,
            harvested_until=self.harvested_until,
        )


class SampledImage(models.Model):
    """One of the images that the system drew when it was proposed, for the two who decide; dropped once they have."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="sampled")
    image_id = models.UUIDField()

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["order", "image_id"], name="sampled_once")]

    def __str__(self) -> str:
        return f"sample of {self.order_id}"


class ListedImage(models.Model):
    """One image of an order by list; dropped when the order closes."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="listed")
    image_id = models.UUIDField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["order", "image_id"], name="listed_once")]

    def __str__(self) -> str:
        return f"image of {self.order_id}"
