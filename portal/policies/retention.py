"""How long each kind of record is kept. Carried out by the job `retention.run` and tested row by row."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Rule:
    record: str
    kept_for: timedelta
    reason: str


DRAFT = Rule("an unfinished case", timedelta(hours=24), "the subject did not send it; nothing began")
CODE = Rule("a mailed code", timedelta(minutes=15), "long enough to read a mail")
SESSION = Rule("a visit in one browser", timedelta(hours=12), "so that a shared computer forgets it within the day")
JOB = Rule("a finished job", timedelta(days=7), "to see what ran; it holds ids only")

ALL = (DRAFT, CODE, SESSION, JOB)
