"""How long each kind of record is kept. Carried out by the job `retention.run` and tested row by row."""

from dataclasses import dataclass
from datetime import date, timedelta

from portal.policies.deadlines import PURGED_WITHIN


@dataclass(frozen=True)
class Rule:
    record: str
    kept_for: timedelta
    reason: str

    def last_day(self, begins_on: date) -> date:
        """By whole days: never shorter than stated, as the day on which it begins is no whole one."""
        return begins_on + self.kept_for + timedelta(days=1)


DRAFT = Rule("an unfinished case", timedelta(hours=24), "the subject did not send it; nothing began")
CODE = Rule("a mailed code", timedelta(minutes=15), "long enough to read a mail")
SESSION = Rule("a visit in one browser", timedelta(hours=12), "so that a shared computer forgets it within the day")
DEVICE = Rule(
    "a cookie of staff's own device", timedelta(days=180), "so that wrong passwords of others do not keep its owner out"
)
JOB = Rule("a finished job", timedelta(days=7), "to see what ran; it holds ids only")
RECEIPT = Rule(
    "what opens a receipt, and the address it was mailed to",
    timedelta(days=30),
    "to send it again; after that only its holder can show it",
)
# By the day on which what was approved must be purged, it must be in no backup either.
BACKUP = Rule(
    "a backup of the database", PURGED_WITHIN - timedelta(days=1), "what is removed is in no backup once it is purged"
)

# 740 ILCS 14/15(a): biometric identifiers go within three years of the individual's last interaction at the latest.
BLOCK = Rule(
    "a block and what it holds of a face",
    timedelta(days=3 * 365),
    "the subject asked to be kept out; it ends sooner when they take it back, later when they renew it",
)
LOST_CODE = Rule(
    "an address at which somebody asks for a lost code",
    timedelta(days=2),
    "it is looked for at the next fixed time and forgotten then, or after this time if the mail server was away",
)

# What residents are told of; DEVICE is of staff alone.
ALL = (DRAFT, CODE, SESSION, JOB, RECEIPT, BACKUP, BLOCK, LOST_CODE)

# Tables of which deleted rows were ciphertext under a key that is destroyed. They are rewritten all the same.
SEALED_TABLES = (
    "cases_photo",
    "cases_livescore",
    "cases_probe",
    "cases_code",
    "cases_case",
    "ledger_opening",
    "matching_block",
    "matching_note",
    "blocks_choice",
    "blocks_asked",
)
