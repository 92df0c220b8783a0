"""How many of staff must be there before cases are given out, and how long one may be away before theirs go on."""

from datetime import timedelta

FEWEST = 2
ABSENT_AFTER = timedelta(days=2)
