"""Rows of the face index. Nothing here refers to a case: ids alone cross that border."""

from typing import ClassVar
from uuid import uuid4

from django.db import models
from pgvector.django import HalfVectorField


class HarvestedImage(models.Model):
    """One scraped photo. Its id names its blobs too, so erasing them never needs this row."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    file_digest = models.BinaryField(max_length=32)  # SHA-256 of the bytes as harvested
    page = models.TextField()
    page_digest = models.BinaryField(max_length=32)  # SHA-256 of the normalised address
    address_digest = models.BinaryField(max_length=32)
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
    """An image whose blobs may be on their way in. A row left by a crash names what to clear away."""

    image_id = models.UUIDField(primary_key=True)


class Residue(models.Model):
    """A table that still holds dead rows of an image on disk, and the transaction that deleted them."""

    image_id = models.UUIDField()
    relation = models.TextField()
    deleted_in = models.BigIntegerField()  # xid8
