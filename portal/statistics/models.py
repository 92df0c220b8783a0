"""What regulators read: the figures as they were at one fixed time."""

from typing import Any

from django.db import models


class Release(models.Model):
    """The newest alone is kept; between two of them nothing that a regulator reads changes."""

    at = models.DateTimeField(unique=True)
    figures: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField()

    def __str__(self) -> str:
        return f"release of {self.at.isoformat()}"
