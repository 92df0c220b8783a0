"""The queue is this table: a job is written in the transaction that decides it, so a broker can lose nothing."""

from typing import ClassVar

from django.db import models


class State(models.TextChoices):
    DUE = "due"
    RUNNING = "running"
    DONE = "done"
    # Gave up after the last attempt: a person looks at it.
    DEAD = "dead"


class Priority(models.IntegerChoices):
    """Of what is due, everything of one priority goes before anything of the next."""

    # Somebody waits for it now: hiding an image, mailing a code.
    URGENT = 0
    NORMAL = 1
    # Thousands of images at a time, on a regulator's order.
    BULK = 2


class Job(models.Model):
    """One unit of durable work: a kind known by name and the id of what it concerns."""

    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State, default=State.DUE)
    run_at = models.DateTimeField()
    priority = models.PositiveSmallIntegerField(
        choices=Priority, default=Priority.NORMAL, db_default=Priority.NORMAL.value
    )
    attempts = models.PositiveIntegerField(default=0)
    # Who works on it, and until when; both empty while nobody does.
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    # The class of the last error, never its text: a text may carry personal data.
    last_error = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["priority", "run_at", "id"], condition=models.Q(state="due"), name="job_next"),
            models.Index(fields=["leased_until"], condition=models.Q(state="running"), name="job_running"),
        ]
        constraints: ClassVar = [
            # Enqueuing what already waits is a no-op; a job that runs may have looked too early, so it does not count.
            models.UniqueConstraint(fields=["kind", "subject"], condition=models.Q(state="due"), name="job_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class Heartbeat(models.Model):
    """When each part last worked. Health comes from here, not from a broker's ping."""

    part = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.part
