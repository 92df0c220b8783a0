"""Who was shown removed images and must be told (GDPR Art. 19), and what they were told."""

from typing import ClassVar
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.notices.states import NoticeState


class Channel(models.TextChoices):
    NONE = "", _("None yet")
    WEBHOOK = "webhook", _("Webhook")
    MAIL = "mail", _("Mail")


class Recipient(models.Model):
    """A client of the operator, as the register of disclosures calls it, and how it is reached.

    Notices hold addresses of images, so one person alone cannot turn them elsewhere: what is proposed counts once a
    second one confirms it.
    """

    code = models.CharField(max_length=80, unique=True)
    channel = models.CharField(max_length=8, choices=Channel, blank=True)
    endpoint = models.CharField(max_length=500, blank=True)
    language = models.CharField(max_length=2, default="en")
    proposed_channel = models.CharField(max_length=8, choices=Channel, blank=True)
    proposed_endpoint = models.CharField(max_length=500, blank=True)
    proposed_language = models.CharField(max_length=2, blank=True)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return self.code


class SettledBecause(models.TextChoices):
    """How a person made sure that a recipient nobody could reach need not be told, or was told."""

    TOLD_OTHERWISE = "told_otherwise", _("The recipient confirmed it in another way, in writing")
    GONE = "gone", _("The recipient no longer exists, and nobody took over its data")
    IMPOSSIBLE = "impossible", _("Telling proves impossible or takes disproportionate effort (GDPR Art. 19)")


class Notice(models.Model):
    """What one recipient is told at one time. Its id names the key that its content is sealed under."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    recipient = models.ForeignKey(Recipient, on_delete=models.PROTECT, related_name="notices")
    state = models.CharField(max_length=12, choices=NoticeState, default=NoticeState.COLLECTING)
    opened_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    # The exact bytes that are signed and sent, sealed; the token that acknowledges them is in there.
    sealed = models.BinaryField(null=True)
    token_digest = models.BinaryField(max_length=32, null=True, unique=True)
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=80, blank=True)
    settled_because = models.CharField(max_length=16, choices=SettledBecause, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["recipient"], condition=models.Q(state="collecting"), name="one_collecting_notice"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["state", "sent_at"], name="notice_state")]

    def __str__(self) -> str:
        return f"notice {self.id}"


class Item(models.Model):
    """One image in a notice; to one recipient an image is named once."""

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="items")
    recipient = models.ForeignKey(Recipient, on_delete=models.PROTECT, related_name="+")
    image_id = models.UUIDField(db_index=True)
    # Where it was found and when it was shown (JSON), sealed; empty once it stands in the notice.
    sealed = models.BinaryField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["recipient", "image_id"], name="told_once")]
