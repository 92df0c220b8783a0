"""The regulator's numbers: the newest release, read under a database role that can see nothing else."""

import json
from dataclasses import dataclass
from datetime import datetime

from django.db import connections

from portal.statistics import figures
from portal.statistics.figures import Numbers


@dataclass(frozen=True)
class Released:
    at: datetime
    numbers: Numbers


def released() -> Released | None:
    """None before the first release."""
    with connections["regulator"].cursor() as cursor:
        cursor.execute("SELECT at, figures::text FROM statistics_released")
        row = cursor.fetchone()
    return None if row is None else Released(row[0], figures.read(json.loads(row[1])))
