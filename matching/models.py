"""Rows of the face index. Nothing here refers to a case: ids alone cross that border."""

from typing import ClassVar
from uuid import uuid4

from django.db import models
from pgvector.django import HalfVectorField

from matching.types import TODAY


class HarvestedImage(models.Model):
    """One scraped photo. Its id names its blobs too, so erasing them never needs this row."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    file_digest = models.BinaryField(max_length=32)  # SHA-256 of the bytes as harvested
    page = models.TextField()
    page_digest = models.BinaryField(max_length=32)  # SHA-256 of the normalised address
    address_digest = models.BinaryField(max_length=32)
    address_form = models.SmallIntegerField(db_default=TODAY)  # of an address that is not the page's: it is not kept
    site = models.TextField()
    country = models.CharField(max_length=2, blank=True)
    harvested_on = models.DateField()
    width = models.PositiveIntegerField()  # of the upright image
    height = models.PositiveIntegerField()
    hidden_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            # A restarted harvest skips what is there; the same photo on another page is another image.
            models.UniqueConstraint(fields=["file_digest", "page_digest"], name="one_image_a_file_and_page"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["page_digest"], name="image_page"),
            models.Index(fields=["address_digest"], name="image_address"),
        ]


class Face(models.Model):
    """One face in one image. The table is partitioned by hash of id; see the migration."""

    image = models.ForeignKey(HarvestedImage, on_delete=models.CASCADE, related_name="faces")
    box_left = models.IntegerField()
    box_top = models.IntegerField()
    box_right = models.IntegerField()
    box_bottom = models.IntegerField()
    score = models.FloatField()
    embedding = HalfVectorField()  # its dimension belongs to the pack


class IndexPack(models.Model):
    """The one pack whose embeddings this index holds."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    name = models.TextField()
    recogniser = models.CharField(max_length=64)  # SHA-256 of the model file
    dim = models.PositiveSmallIntegerField()

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=1), name="one_pack_an_index")]


class Intake(models.Model):
    """An image whose blobs, or faces elsewhere, may be on their way in. A row left by a crash names what to clear."""

    image_id = models.UUIDField(primary_key=True)


class Residue(models.Model):
    """A table that still holds dead rows of an image on disk, and the transaction that deleted them."""

    image_id = models.UUIDField()
    relation = models.TextField()
    deleted_in = models.BigIntegerField()  # xid8


class Disclosure(models.Model):
    """A line of the operator's register: a client was shown an image. It names the image by id or by an address."""

    digest = models.BinaryField(max_length=32, unique=True)  # SHA-256 of the line: read twice, it is kept once
    client = models.CharField(max_length=80)
    agency = models.CharField(max_length=200, blank=True)
    shown_at = models.DateTimeField()
    image_id = models.UUIDField(null=True)
    address_digest = models.BinaryField(max_length=32, null=True)  # none where only the earlier one was kept
    earlier_digest = models.BinaryField(max_length=32, null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(image_id__isnull=False)
                | models.Q(address_digest__isnull=False)
                | models.Q(earlier_digest__isnull=False),
                name="disclosure_of_something",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["image_id"], name="disclosure_image"),
            models.Index(fields=["address_digest"], name="disclosure_address"),
            models.Index(fields=["earlier_digest"], name="disclosure_earlier_address"),
        ]


class RefusedAddress(models.Model):
    """An address from which nothing enters again: that of a removed image, or of the page it was found on.

    Which image it was is not kept. Positions have no gaps, and one that was seen never changes: a crawler that read as
    far as one goes on behind it.
    """

    position = models.BigIntegerField(primary_key=True)  # from 1
    digest = models.BinaryField(max_length=32, unique=True)  # SHA-256 of the normalised address
    form = models.SmallIntegerField(db_default=TODAY)  # by which rules (matching.provenance)
    added_on = models.DateField()


class RefusedList(models.Model):
    """One row: which list of refused addresses this is. Another one where positions may not be what they were."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    edition = models.UUIDField(default=uuid4)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=1), name="one_refused_list")]


class TombstoneMark(models.Model):
    """How much of the file of tombstones this database has seen; after a restore it is behind the file."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    bytes_seen = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=1), name="one_mark_an_index")]


class Note(models.Model):
    """A state on its way into the journal: written there once the transaction that made this row has committed."""

    id = models.BigAutoField(primary_key=True)
    note = models.UUIDField(unique=True, default=uuid4)
    kind = models.CharField(max_length=16)
    subject = models.UUIDField()
    said = models.TextField(blank=True)  # as whoever reads it wrote it; empty: it is over


class BlockState(models.TextChoices):
    ACTIVE = "active"
    REVOKED = "revoked"


class Block(models.Model):
    """A do-not-harvest entry. It holds no vector: what it holds is sealed, under a key of its own that its id names."""

    id = models.UUIDField(primary_key=True)
    state = models.CharField(max_length=8, choices=BlockState, default=BlockState.ACTIVE)
    recogniser = models.CharField(max_length=64)  # of the pack whose templates it holds; it sleeps under any other
    templates = models.PositiveSmallIntegerField()
    sealed = models.BinaryField(null=True)  # gone once revoked
    changed_in = models.BigIntegerField()  # the generation of the list in which it was sealed
    made_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    refused = models.PositiveBigIntegerField(default=0)  # photos kept out because of it, each time they came

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["recogniser"], condition=models.Q(state="active"), name="block_in_force")
        ]


class BlockList(models.Model):
    """One row: what changes with every change of the list, so that a running harvest notices."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    generation = models.BigIntegerField(default=0)
    sleep_accepted_for = models.CharField(max_length=64, blank=True)  # recogniser

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=1), name="one_block_list")]


class Screening(models.Model):
    """That one harvest asked the block list: counts alone."""

    started_at = models.DateTimeField(db_index=True)
    blocks = models.PositiveIntegerField()
    images = models.PositiveBigIntegerField(default=0)
    faces = models.PositiveBigIntegerField(default=0)
    refused = models.PositiveBigIntegerField(default=0)


class Exemption(models.Model):
    """A page or image address whose photos come in although a face resembles a block."""

    address_digest = models.BinaryField(max_length=32, unique=True)
    form = models.SmallIntegerField(db_default=TODAY)  # by which rules (matching.provenance)
