"""Response clocks as data: one row a clock, each with its citation (`verified`: read in the statute itself).

A case stores the statute's code, VERSION and its computed due date, so that an edit here never moves a running clock.
No number of days stands anywhere else in the project.
"""

from dataclasses import dataclass
from enum import StrEnum

VERSION = "2026-11-22"


class Count(StrEnum):
    CALENDAR_DAYS = "calendar days"
    BUSINESS_DAYS = "business days"
    CALENDAR_MONTHS = "calendar months"


@dataclass(frozen=True)
class Period:
    amount: int
    count: Count


@dataclass(frozen=True)
class Statute:
    code: str
    title: str
    answer_in: Period
    source: str
    verified: bool
    # The calendar of public holidays for business days: ISO country and subdivision.
    country: str
    subdivision: str | None = None
    extension: Period | None = None
    extension_source: str = ""


def _days(amount: int) -> Period:
    return Period(amount, Count.CALENDAR_DAYS)


PIPEDA = Statute(
    code="ca-pipeda",
    title="Personal Information Protection and Electronic Documents Act",
    answer_in=_days(30),
    # s. 8(3): "not later than thirty days after receipt of the request"; s. 8(5): silence is a deemed refusal.
    source="PIPEDA s. 8(3), 8(5)",
    verified=True,
    country="CA",
    extension=_days(30),
    extension_source="PIPEDA s. 8(4)(a): notice within the first thirty days, with the right to complain",
)
QUEBEC = Statute(
    code="ca-qc-p39",
    title="Act respecting the protection of personal information in the private sector",
    answer_in=_days(30),
    source="CQLR c. P-39.1, s. 32; de-indexing s. 28.1",
    verified=True,
    country="CA",
    subdivision="QC",
)
BRITISH_COLUMBIA = Statute(
    code="ca-bc-pipa",
    title="Personal Information Protection Act (British Columbia)",
    # s. 1 defines a day as one that is not a holiday or a Saturday.
    answer_in=Period(30, Count.BUSINESS_DAYS),
    source="SBC 2003 c. 63, s. 29 with s. 1",
    verified=True,
    country="CA",
    subdivision="BC",
    extension=_days(30),
    extension_source="s. 31 (not verified)",
)
ALBERTA = Statute(
    code="ca-ab-pipa",
    title="Personal Information Protection Act (Alberta)",
    answer_in=_days(45),
    source="SA 2003 c. P-6.5, s. 28",
    verified=True,
    country="CA",
    subdivision="AB",
    extension=_days(30),
    extension_source="s. 31 (not verified)",
)
GDPR = Statute(
    code="eu-gdpr",
    title="General Data Protection Regulation",
    answer_in=Period(1, Count.CALENDAR_MONTHS),
    # Art. 12(3): "within one month of receipt of the request". Reg. 1182/71 would move an end on a weekend to the
    # next working day; the stricter reading, without it, is taken.
    source="GDPR Art. 12(3), 17",
    verified=True,
    country="IE",
    extension=Period(2, Count.CALENDAR_MONTHS),
    extension_source="Art. 12(3), reasons within the first month",
)
UK_GDPR = Statute(
    code="uk-gdpr",
    title="UK General Data Protection Regulation",
    answer_in=Period(1, Count.CALENDAR_MONTHS),
    source="UK GDPR Art. 12(3), 12A, 17",
    verified=True,
    country="GB",
    extension=Period(2, Count.CALENDAR_MONTHS),
    extension_source="Art. 12A",
)
CALIFORNIA = Statute(
    code="us-ca-ccpa",
    title="California Consumer Privacy Act",
    answer_in=_days(45),
    source="11 CCR § 7021",
    verified=True,
    country="US",
    subdivision="CA",
    extension=_days(45),
    extension_source="11 CCR § 7021(b), with notice",
)

ALL: dict[str, Statute] = {
    statute.code: statute for statute in (PIPEDA, QUEBEC, BRITISH_COLUMBIA, ALBERTA, GDPR, UK_GDPR, CALIFORNIA)
}


@dataclass(frozen=True)
class Place:
    """Where a data subject says they live, and the clock that runs for them there."""

    code: str
    statute: Statute


CANADIAN_PLACES = ("AB", "BC", "MB", "NB", "NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT")
_PROVINCIAL = {"AB": ALBERTA, "BC": BRITISH_COLUMBIA, "QC": QUEBEC}
PLACES: dict[str, Place] = {
    **{f"CA-{code}": Place(f"CA-{code}", _PROVINCIAL.get(code, PIPEDA)) for code in CANADIAN_PLACES},
    "EU": Place("EU", GDPR),
    "GB": Place("GB", UK_GDPR),
    "US-CA": Place("US-CA", CALIFORNIA),
    # Elsewhere no statute obliges the operator; the order's clock is applied all the same.
    "OTHER": Place("OTHER", PIPEDA),
}
