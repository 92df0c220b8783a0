"""The closed list of what the audit trail records: `source:subject:verb`. Renaming one breaks the trail's meaning."""

from enum import StrEnum


class Tag(StrEnum):
    # What the data subject did.
    CASE_OPENED = "subject:case:opened"
    CASE_CONTACT_CONFIRMED = "subject:contact:confirmed"
    CASE_CONSENTED = "subject:case:consented"
    CASE_SUBMITTED = "subject:case:submitted"
    CASE_WITHDRAWN = "subject:case:withdrawn"
    # What staff saw and decided.
    CASE_VIEWED = "staff:case:viewed"
    CASE_UNLOCKED = "staff:case:unlocked"
    PHOTO_VIEWED = "staff:photo:viewed"
    MATCH_VIEWED = "staff:match:viewed"
    MATCHES_APPROVED = "staff:matches:approved"
    MATCHES_LEFT = "staff:matches:left"
    PROPOSAL_MADE = "staff:proposal:made"
    PROPOSAL_CONFIRMED = "staff:proposal:confirmed"
    PROPOSAL_DECLINED = "staff:proposal:declined"
    PROPOSAL_TAKEN_BACK = "staff:proposal:taken_back"
    TAKEDOWN_RESTORED = "staff:takedown:restored"
    STEP_RETRIED = "staff:step:retried"
    JOB_RETRIED = "staff:job:retried"
    SIGNED_IN = "staff:account:signed_in"
    SIGN_IN_FAILED = "staff:account:sign_in_failed"
    SIGNED_OUT = "staff:account:signed_out"
    # What regulators saw.
    STATISTICS_VIEWED = "regulator:statistics:viewed"
    # What the system did by itself.
    CASE_MOVED = "system:case:moved"
    CASE_SEARCHED = "system:case:searched"
    CASE_ANNOUNCED = "system:case:announced"
    CASE_FORGOTTEN = "system:case:forgotten"
    PHOTO_DESTROYED = "system:photo:destroyed"
    PROBES_DESTROYED = "system:probes:destroyed"
    KEY_DESTROYED = "system:key:destroyed"
    REMOVAL_OPENED = "system:removal:opened"
    REMOVAL_MOVED = "system:removal:moved"
    TAKEDOWN_MOVED = "system:takedown:moved"
    STEP_VERIFIED = "system:step:verified"
    STEP_FAILED = "system:step:failed"
    JOB_DIED = "system:job:died"
