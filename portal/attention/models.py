"""What somebody was alerted to, so that nobody is alerted every hour to the same thing."""

from django.db import models


class Alert(models.Model):
    """One kind of trouble that lasts; the row goes when the trouble has gone."""

    kind = models.CharField(max_length=64, primary_key=True)
    told_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.kind
