"""Who asked to be kept out, without who they are, and the exceptions from it."""

from typing import ClassVar
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Choice(models.Model):
    """One subject's wish to be kept out. It outlives the case, and says nothing of what was found or decided in it.

    Whoever holds the code may look at it, renew it and take it back; nobody else can be recognised: the contact is
    destroyed with the case.
    """

    case = models.UUIDField(primary_key=True)
    # Names the block in `matching`, and its key. The block itself is made when the case settles.
    block = models.UUIDField(unique=True, default=uuid4)
    code_digest = models.BinaryField(max_length=32, unique=True)
    chosen_at = models.DateTimeField()
    # From the clock and the subject's own acts, never from when or whether the block was made.
    begins_at = models.DateTimeField(null=True)
    ends_on = models.DateField(null=True)
    # Whether the proof given in the case allows its subject to see counts.
    may_see_count = models.BooleanField(default=False)
    # Digests of the photos deleted in this case, sealed under its key; they move into the block.
    files_sealed = models.BinaryField(null=True)
    # Where the subject wishes it: the key that address and code are sealed under, to be mailed once the code is lost.
    # Not the block's, which goes when the case is refused: its holder is to see no difference.
    recovery_key = models.UUIDField(null=True)
    recovery_sealed = models.BinaryField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["ends_on"])]


class Asked(models.Model):
    """An address at which somebody says to have lost a code, until the time at which it is looked for.

    Anyone may ask, so it may be anyone's: its id names the key that it is sealed under, and both go at that time.
    """

    id = models.UUIDField(primary_key=True, default=uuid4)
    sealed = models.BinaryField()
    asked_at = models.DateTimeField(db_index=True)
    slot_at = models.DateTimeField(db_index=True)


class Ground(models.TextChoices):
    """Why photos of an address come in although a face in them resembles somebody's who is kept out."""

    PERSON_ASKED = "person_asked", _("The person shown asked for it and proved who they are")
    ORDERED = "ordered", _("A court or a regulator ordered it")


class ExemptionState(models.TextChoices):
    PROPOSED = "proposed", _("Waits for a second person")
    DECLINED = "declined", _("Declined")
    IN_FORCE = "in_force", _("In force")
    ENDED = "ended", _("Ended")


class Exemption(models.Model):
    """The way out for somebody wrongly kept out: one address, decided by two people. The address goes when it ends."""

    address = models.TextField(blank=True)
    ground = models.CharField(max_length=16, choices=Ground)
    state = models.CharField(max_length=10, choices=ExemptionState, default=ExemptionState.PROPOSED)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
