"""What was decided to delete: a removal, each of its images, each image in each store."""

from typing import ClassVar
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.jobs.models import Priority
from portal.takedowns.states import HoldState, RemovalState, StepState, TakedownState


class Removal(models.Model):
    """What one case or order has decided to delete."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    # Which case or order decided it, and the job kinds to enqueue for it when all is removed, and when all is purged.
    origin = models.UUIDField(db_index=True)
    job_when_removed = models.CharField(max_length=40)
    job_when_purged = models.CharField(max_length=40)
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
    # Whether the server's log and files were looked at by then, and found clean; empty until it is purged, and for
    # those purged before anybody looked.
    log_checked = models.BooleanField(null=True)

    def __str__(self) -> str:
        return f"removal {self.id}"


class Takedown(models.Model):
    """One image of a removal. The image is known by id alone: the row in the index goes, this stays."""

    removal = models.ForeignKey(Removal, on_delete=models.PROTECT, related_name="takedowns")
    image_id = models.UUIDField(db_index=True)
    state = models.CharField(max_length=12, choices=TakedownState, default=TakedownState.QUEUED)
    # How often the operator's search still returned it after it was hidden; 0 again once it does not.
    hide_attempts = models.PositiveIntegerField(default=0, db_default=0)
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


class HoldReason(models.TextChoices):
    LITIGATION = "litigation", _("Evidence in litigation or an investigation")
    CHILD_ABUSE = "child_abuse", _("Suspected child abuse material: it must be reported and preserved as the law says")


class ReleasedBecause(models.TextChoices):
    ENDED = "ended", _("What it was kept for has ended")
    MISTAKEN = "mistaken", _("It was placed by mistake")


class Hold(models.Model):
    """Images that must not be deleted yet. Two people place it and release it, or whoever took their place."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    reason = models.CharField(max_length=12, choices=HoldReason)
    state = models.CharField(max_length=12, choices=HoldState, default=HoldState.PROPOSED)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    release_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    # Whose place is to be taken by whom, and who proposed that; empty unless such a proposal waits.
    handed_from = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    handed_to = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    handed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    released_because = models.CharField(max_length=12, choices=ReleasedBecause, blank=True)
    # To whom the law says (a key of policies.preservation.ALL), when, and until when it must be kept for that.
    reported_under = models.CharField(max_length=16, blank=True)
    reported_on = models.DateField(null=True)
    keep_until = models.DateField(null=True)

    def __str__(self) -> str:
        return f"hold {self.id}"


class HeldImage(models.Model):
    hold = models.ForeignKey(Hold, on_delete=models.PROTECT, related_name="images")
    image_id = models.UUIDField(db_index=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["hold", "image_id"], name="held_once")]
