"""One person's request, and what is kept for it. Everything personal is sealed under the case's key."""

from typing import ClassVar
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.cases.states import State
from portal.policies.assurance import Proof, Right


class Route(models.TextChoices):
    """How the subject shows which images are meant."""

    PHOTO = "photo", _("With a photo of your face")
    ADDRESSES = "addresses", _("Without a photo: you give the addresses of the images")


class Case(models.Model):
    """`key_id` names the case's key in the key store; with the key everything sealed here is gone for good."""

    code = models.UUIDField(primary_key=True, default=uuid4)
    # What the subject quotes: eight letters and digits without look-alikes, as XXXX-XXXX.
    reference = models.CharField(max_length=9, unique=True)
    state = models.CharField(max_length=12, choices=State, default=State.DRAFT)
    right = models.CharField(max_length=12, default=Right.ERASURE)
    route = models.CharField(max_length=12, choices=Route, blank=True)
    proof = models.CharField(max_length=12, default=Proof.NONE)
    language = models.CharField(max_length=2)
    key_id = models.UUIDField(unique=True, default=uuid4)
    # The key of what outlives the photo: the mail address, and what opens the case's leaves in the ledger.
    proof_key_id = models.UUIDField(unique=True, default=uuid4)
    # Both are made when the contact is confirmed; until then only the address is kept (portal.cases.personal).
    has_keys = models.BooleanField(default=False)
    # A key of policies.statutes.PLACES, and the clock taken from it when the case was received.
    place = models.CharField(max_length=8, blank=True)
    statute = models.CharField(max_length=16, blank=True)
    statute_version = models.CharField(max_length=10, blank=True)
    due_on = models.DateField(null=True)
    # The date from which that clock counts, and the time zone (of the IANA database) in which it was that date.
    received_on = models.DateField(null=True)
    received_zone = models.CharField(max_length=32, blank=True)
    consented_at = models.DateTimeField(null=True)
    # Sealed: the mail address, and the addresses of images on the route without a photo (JSON).
    contact_sealed = models.BinaryField(null=True)
    addresses_sealed = models.BinaryField(null=True)
    opened_at = models.DateTimeField()
    received_at = models.DateTimeField(null=True)
    # The fixed slot in which the end is announced, whatever was found.
    slot_at = models.DateTimeField(null=True)
    # The publication of the ledger that holds its second leaf, fixed when it is received, whatever will be found.
    receipt_at = models.DateTimeField(null=True, db_index=True)
    # When that leaf was written, and when its receipt was mailed.
    recorded_at = models.DateTimeField(null=True)
    receipted_at = models.DateTimeField(null=True)
    announced_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["state", "due_on"])]

    def __str__(self) -> str:
        return self.reference


class Code(models.Model):
    """A mailed code that shows the contact is the subject's; only a keyed digest is kept."""

    case = models.OneToOneField(Case, on_delete=models.CASCADE, related_name="mailed_code")
    digest = models.BinaryField(max_length=32)
    expires_at = models.DateTimeField()
    tries_left = models.PositiveSmallIntegerField()


class Photo(models.Model):
    """One of the subject's photos, upright, re-encoded, without metadata; sealed before it is written."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="photos")
    # Within its case, from 1: the address of a photo tells nothing of other cases.
    number = models.PositiveSmallIntegerField(default=1)
    sealed = models.BinaryField()
    # SHA-256 of the file as it was sent, sealed: whether it is a file of the index.
    digest_sealed = models.BinaryField(null=True)
    # Why a better photo would find more (matching.types.Flaw); empty where nothing is to be said.
    flaw = models.CharField(max_length=12, blank=True)

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["case", "number"], name="photo_number_once")]


class ProbeKind(models.TextChoices):
    """Whose face a probe is of is proven in different ways: what a search may conclude from it differs too."""

    OWN = "own"  # from a photo the subject gave
    MIRRORED = "mirrored"  # the same, as a mirror shows it
    CONFIRMED = "confirmed"  # of a match that staff decided is the subject


class LiveScore(models.Model):
    """How live the face of a photo looked to the pack (0 to 1), sealed; goes with its photo. Evidence, no proof."""

    photo = models.OneToOneField(Photo, on_delete=models.CASCADE, related_name="live_score")
    sealed = models.BinaryField()


class Probe(models.Model):
    """An embedding of the subject (float32, unit length), sealed, kept only while the case needs it."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="probes")
    kind = models.CharField(max_length=12, choices=ProbeKind, default=ProbeKind.OWN)
    photo = models.ForeignKey(Photo, null=True, on_delete=models.SET_NULL, related_name="probes")
    match = models.ForeignKey("Match", null=True, on_delete=models.CASCADE, related_name="probes")
    pack = models.CharField(max_length=80)
    sealed = models.BinaryField()


class Search(models.Model):
    """With what a case was searched: pack, thresholds, size of the index. Each match names the one that found it."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="searches")
    searched_at = models.DateTimeField()
    pack = models.CharField(max_length=80)
    certain_from = models.FloatField(null=True)
    probable_from = models.FloatField()
    index_size = models.PositiveBigIntegerField()
    basis = models.TextField()

    class Meta:
        ordering: ClassVar = ["pk"]


class CautionKind(models.TextChoices):
    SAME_PHOTO = "same_photo", _("The photo that was sent is itself a photo of the index: anybody could have taken it")
    SAME_FACE = "same_face", _("Another open case shows the same face")


class Caution(models.Model):
    """What whoever decides is warned of. The subject observes nothing of it."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="cautions")
    kind = models.CharField(max_length=12, choices=CautionKind)
    other = models.ForeignKey(Case, null=True, on_delete=models.CASCADE, related_name="+")

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "kind", "other"], nulls_distinct=False, name="caution_once")
        ]


class Decision(models.TextChoices):
    OPEN = "open", _("To decide")
    APPROVED = "approved", _("Approved")
    LEFT = "left", _("Left in the index")


class Band(models.TextChoices):
    """How a match came about; certain and probable are those of matching.types."""

    CERTAIN = "certain", _("Certain")
    PROBABLE = "probable", _("Probable")
    ADDRESS = "address", _("Address given")


class Match(models.Model):
    """A harvested image near a probe; one row an image, for its nearest face. By address: no face, no similarity."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="matches")
    image_id = models.UUIDField()
    face_id = models.BigIntegerField(null=True)
    similarity = models.FloatField(null=True)
    band = models.CharField(max_length=12, choices=Band)
    # The thresholds it was decided with; none for an address.
    search = models.ForeignKey(Search, null=True, on_delete=models.CASCADE, related_name="matches")
    # Too far from the subject's own photos to be found by them; near to a match that was confirmed.
    expanded = models.BooleanField(default=False)
    decision = models.CharField(max_length=12, choices=Decision, default=Decision.OPEN)

    class Meta:
        ordering: ClassVar = ["-similarity", "pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["case", "image_id"], name="match_once")]


class ProposalKind(models.TextChoices):
    REFUSE = "refuse", _("Refuse the case")
    # Some of the open matches are deleted, the others left in the index.
    DECIDE = "decide", _("Decide the unclear matches")
    # Hidden images come back into search while they cool.
    RESTORE = "restore", _("Restore hidden images")


class RefusalReason(models.TextChoices):
    """Why a case may be refused; each holds from the photo and the form, never from what was found."""

    ANOTHER_PERSON = "another_person", _("The photo appears to show someone other than the person asking")
    NOT_A_PERSON = "not_a_person", _("The photo is not of a live person (drawing, screen or print)")
    ABUSIVE = "abusive", _("The case is part of an abusive series")


class Outcome(models.TextChoices):
    OPEN = "open", _("Waits for a second person")
    CONFIRMED = "confirmed", _("Confirmed")
    DECLINED = "declined", _("Declined")
    TAKEN_BACK = "taken_back", _("Taken back")


class Proposal(models.Model):
    """What one person proposes and a second one confirms or declines."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="proposals")
    kind = models.CharField(max_length=12, choices=ProposalKind)
    reason = models.CharField(max_length=24, choices=RefusalReason, blank=True)
    matches: "models.ManyToManyField[Match, models.Model]" = models.ManyToManyField(Match)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    outcome = models.CharField(max_length=12, choices=Outcome, default=Outcome.OPEN)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["case", "kind"],
                condition=models.Q(outcome="open"),
                name="one_open_proposal_of_a_kind",
            ),
        ]


class Part(models.TextChoices):
    REVIEWER = "reviewer", _("Reviewer")
    SECOND = "second", _("Second person")


class TakenOff(models.TextChoices):
    """Why somebody no longer has a case."""

    OFF_DUTY = "off_duty", _("Went off duty")
    ABSENT = "absent", _("Was away too long, or the account is closed")
    KNOWS_THEM = "knows_them", _("Knows the subject, or has another conflict of interest")
    ILL = "ill", _("Is ill or on leave")
    TOO_MUCH = "too_much", _("Has too many cases to meet the due dates")
    COMPLAINT = "complaint", _("A complaint was made about how the case is handled")

    @classmethod
    def by_a_supervisor(cls) -> "tuple[TakenOff, ...]":
        return (cls.KNOWS_THEM, cls.ILL, cls.TOO_MUCH, cls.COMPLAINT)


class Assignment(models.Model):
    """Who was drawn for a case, and until when. Nobody else opens it."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="assignments")
    part = models.CharField(max_length=12, choices=Part)
    to = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    drawn_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_because = models.CharField(max_length=12, choices=TakenOff, blank=True)
    # The supervisor who had it drawn anew.
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["case", "part"], condition=models.Q(ended_at=None), name="one_person_a_part"
            ),
            models.UniqueConstraint(
                fields=["case", "to"], condition=models.Q(ended_at=None), name="two_different_ones"
            ),
        ]


class UnlockPurpose(models.TextChoices):
    COMPARE = "compare", _("Compare the photo with the matches")
    SECOND = "second", _("Confirm a colleague's proposal")
    COMPLAINT = "complaint", _("Answer a complaint about this case")


class Unlock(models.Model):
    """One person's leave to see the faces of one case, for a stated purpose and a short time."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="unlocks")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=12, choices=UnlockPurpose)
    until = models.DateTimeField()
