"""What each proof allows: a table keyed by right, route and statute (docs/decisions/0004-one-answer-for-everyone.md).

The law differs by statute (an opt-out in California may not ask for identity), so a row may name one; the
row without a statute is the usual one. A proof that is not listed allows nothing.
"""

from dataclasses import dataclass
from enum import StrEnum


class Right(StrEnum):
    ERASURE = "erasure"


class Proof(StrEnum):
    """How a subject has shown which face is theirs, weakest first."""

    NONE = "none"
    CONTACT = "contact"
    PHOTO = "photo"


class Erase(StrEnum):
    NOTHING = "nothing"
    # Images whose addresses the subject gave, each decided by staff.
    GIVEN_ADDRESSES = "given addresses, after staff"
    AFTER_STAFF = "after staff"


class See(StrEnum):
    NOTHING = "nothing"
    CASE_EXISTS = "that the case exists"
    COUNTS = "counts, and previews of the own face"  # no proof that is offered today reaches it


@dataclass(frozen=True)
class Allowance:
    erase: Erase
    see: See
    # How many of staff must agree before an image in this band is deleted.
    people_for_certain: int = 1
    people_for_probable: int = 2
    # Anybody can type the address of a stranger's photo.
    people_for_address: int = 2


DENIED = Allowance(Erase.NOTHING, See.NOTHING)

_TABLE: dict[tuple[Right, Proof, str | None], Allowance] = {
    (Right.ERASURE, Proof.CONTACT, None): Allowance(Erase.GIVEN_ADDRESSES, See.CASE_EXISTS),
    (Right.ERASURE, Proof.PHOTO, None): Allowance(Erase.AFTER_STAFF, See.NOTHING),
}


def allowance(right: Right, proof: Proof, statute: str) -> Allowance:
    return _TABLE.get((right, proof, statute)) or _TABLE.get((right, proof, None), DENIED)
