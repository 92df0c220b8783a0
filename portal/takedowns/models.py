"""What was decided to delete: a removal, each of its images, each image in each store."""

from typing import ClassVar
from uuid import uuid4

from django.db import models

from portal.jobs.models import Priority
from portal.takedowns.states import RemovalState, StepState, TakedownState


class Removal(models.Model):
    """What one case or order has decided to delete."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    # Which case or order decided it, and the job kinds to enqueue for it when all is removed, and when all is purged.
    origin = models.UUIDField(db_index=True)
    then = models.CharField(max_length=40)
    at_last = models.CharField(max_length=40)
    # Of its jobs.
    priority = models.PositiveSmallIntegerField(
        choices=Priority, default=Priority.NORMAL, db_default=Priority.NORMAL.value
    )
    # Nothing more is hidden or removed until it is resumed.
    paused = models.BooleanField(default=False, db_default=False)
    state = models.CharField(max_length=12, choices=RemovalState, default=RemovalState.QUEUED)
    opened_at = models.DateTimeField()
    hidden_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)
    purged_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"removal {self.id}"


class Takedown(models.Model):
    """One image of a removal. The image is known by id alone: the row in the index goes, this stays."""

    removal = models.ForeignKey(Removal, on_delete=models.PROTECT, related_name="takedowns")
    image_id = models.UUIDField(db_index=True)
    state = models.CharField(max_length=12, choices=TakedownState, default=TakedownState.QUEUED)
    # Until when it can still be restored.
    cools_until = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["removal", "image_id"], name="takedown_once")]

    def __str__(self) -> str:
        return f"takedown {self.pk}"


class Step(models.Model):
    """One image in one store: removed, read back, recorded."""

    takedown = models.ForeignKey(Takedown, on_delete=models.PROTECT, related_name="steps")
    store = models.CharField(max_length=24)
    state = models.CharField(max_length=12, choices=StepState, default=StepState.DUE)
    attempts = models.PositiveIntegerField(default=0)
    verified_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["takedown", "store"], name="step_once")]

    def __str__(self) -> str:
        return f"{self.store} of takedown {self.takedown_id}"
