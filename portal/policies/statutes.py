"""Response clocks as data: one row a clock, each with its citation (`verified`: read in the statute itself).

A change of law is a further row in ROWS with the day from which it is in force: a case received on that day or later
gets it. A case stores the statute's code, VERSION and its computed due date, so that an edit here never moves a
running clock.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from portal.policies import holidays

VERSION = "2026-11-30"


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
    # Keys of PLACES: for whoever lives there it is the law from this day on, until another row that names the place.
    places: tuple[str, ...]
    effective_from: date
    answer_in: Period
    source: str
    verified: bool
    # The holidays of a year, where the statute counts business days.
    holidays: Callable[[int], frozenset[date]] | None = None
    extension: Period | None = None
    extension_source: str = ""

    def amended(self, effective_from: date, *, answer_in: Period) -> "Statute":
        """The row of the same statute with another period, from that day on."""
        return replace(self, effective_from=effective_from, answer_in=answer_in)


def _days(amount: int) -> Period:
    return Period(amount, Count.CALENDAR_DAYS)


PIPEDA = Statute(
    code="ca-pipeda",
    title="Personal Information Protection and Electronic Documents Act",
    # Elsewhere no statute obliges the operator; the order's clock is applied all the same.
    places=(*(f"CA-{code}" for code in ("MB", "NB", "NL", "NS", "NT", "NU", "ON", "PE", "SK", "YT")), "OTHER"),
    effective_from=date(2001, 1, 1),
    answer_in=_days(30),
    # s. 8(3): "not later than thirty days after receipt of the request"; s. 8(5): silence is a deemed refusal.
    source="PIPEDA s. 8(3), 8(5)",
    verified=True,
    extension=_days(30),
    extension_source="PIPEDA s. 8(4)(a): notice within the first thirty days, with the right to complain",
)
QUEBEC = Statute(
    code="ca-qc-p39",
    title="Act respecting the protection of personal information in the private sector",
    places=("CA-QC",),
    effective_from=date(1994, 1, 1),
    answer_in=_days(30),
    source="CQLR c. P-39.1, s. 32; de-indexing s. 28.1",
    verified=True,
)
BRITISH_COLUMBIA = Statute(
    code="ca-bc-pipa",
    title="Personal Information Protection Act (British Columbia)",
    places=("CA-BC",),
    effective_from=date(2004, 1, 1),
    # s. 1 defines a day as one that is not a holiday or a Saturday; the Interpretation Act names the holidays.
    answer_in=Period(30, Count.BUSINESS_DAYS),
    source="SBC 2003 c. 63, s. 29 with s. 1",
    verified=True,
    holidays=holidays.british_columbia,
    extension=_days(30),
    extension_source="s. 31 (not verified)",
)
ALBERTA = Statute(
    code="ca-ab-pipa",
    title="Personal Information Protection Act (Alberta)",
    places=("CA-AB",),
    effective_from=date(2004, 1, 1),
    answer_in=_days(45),
    source="SA 2003 c. P-6.5, s. 28",
    verified=True,
    extension=_days(30),
    extension_source="s. 31 (not verified)",
)
GDPR = Statute(
    code="eu-gdpr",
    title="General Data Protection Regulation",
    places=("EU",),
    effective_from=date(2018, 5, 25),
    answer_in=Period(1, Count.CALENDAR_MONTHS),
    # Art. 12(3): "within one month of receipt of the request". Reg. 1182/71 would move an end on a weekend to the
    # next working day; the stricter reading, without it, is taken.
    source="GDPR Art. 12(3), 17",
    verified=True,
    extension=Period(2, Count.CALENDAR_MONTHS),
    extension_source="Art. 12(3), reasons within the first month",
)
UK_GDPR = Statute(
    code="uk-gdpr",
    title="UK General Data Protection Regulation",
    places=("GB",),
    effective_from=date(2021, 1, 1),
    answer_in=Period(1, Count.CALENDAR_MONTHS),
    source="UK GDPR Art. 12(3), 12A, 17",
    verified=True,
    extension=Period(2, Count.CALENDAR_MONTHS),
    extension_source="Art. 12A",
)
CALIFORNIA = Statute(
    code="us-ca-ccpa",
    title="California Consumer Privacy Act",
    places=("US-CA",),
    effective_from=date(2020, 1, 1),
    answer_in=_days(45),
    source="11 CCR § 7021",
    verified=True,
    extension=_days(45),
    extension_source="11 CCR § 7021(b), with notice",
)

ROWS: tuple[Statute, ...] = (
    PIPEDA,
    QUEBEC,
    BRITISH_COLUMBIA,
    ALBERTA,
    GDPR,
    UK_GDPR,
    CALIFORNIA,
    # A change of law on a future day is a line here: ALBERTA.amended(date(2028, 1, 1), answer_in=_days(30)),
)


def law_of(place: str, on: date) -> Statute:
    """The statute whose clock runs for a request received on that day from somebody who lives in the place."""
    return max((row for row in ROWS if place in row.places and row.effective_from <= on), key=_in_force_from)


def row(code: str, on: date) -> Statute | None:
    """The statute of that code as it was on that day; None where it was not in force."""
    rows = [row for row in ROWS if row.code == code and row.effective_from <= on]
    return max(rows, key=_in_force_from, default=None)


def _in_force_from(statute: Statute) -> date:
    return statute.effective_from


@dataclass(frozen=True)
class Place:
    """Where a data subject says they live.

    `zones` (of the IANA database) are in use there, at least the one whose clocks are behind all others and the one
    whose clocks are ahead of them.
    """

    code: str
    zones: tuple[str, ...]


def _place(code: str, *zones: str) -> tuple[str, Place]:
    return code, Place(code, zones)


PLACES: dict[str, Place] = dict(
    (
        _place("CA-AB", "America/Edmonton"),
        # The Kootenays keep Mountain time, Creston without and the Peace River with no change of clocks.
        _place("CA-BC", "America/Vancouver", "America/Dawson_Creek", "America/Fort_Nelson", "America/Edmonton"),
        _place("CA-MB", "America/Winnipeg"),
        _place("CA-NB", "America/Moncton"),
        _place("CA-NL", "America/Goose_Bay", "America/St_Johns"),
        _place("CA-NS", "America/Halifax", "America/Glace_Bay"),
        _place("CA-NT", "America/Inuvik", "America/Edmonton"),
        _place("CA-NU", "America/Cambridge_Bay", "America/Rankin_Inlet", "America/Resolute", "America/Iqaluit"),
        _place("CA-ON", "America/Winnipeg", "America/Toronto", "America/Panama"),  # Atikokan: as Panama, all year
        _place("CA-PE", "America/Halifax"),
        _place("CA-QC", "America/Toronto", "America/Halifax", "America/Puerto_Rico"),  # Blanc-Sablon: as Puerto Rico
        # Lloydminster keeps the time of Alberta.
        _place("CA-SK", "America/Edmonton", "America/Regina", "America/Swift_Current"),
        _place("CA-YT", "America/Whitehorse", "America/Dawson"),
        # The regulation applies in the outermost regions too, from Martinique to Réunion, which keeps Dubai's time.
        _place("EU", "America/Martinique", "Asia/Dubai"),
        _place("GB", "Europe/London"),
        _place("US-CA", "America/Los_Angeles"),
        # Anywhere on Earth. The signs of these names are the other way round: UTC−12 and UTC+14.
        _place("OTHER", "Etc/GMT+12", "Etc/GMT-14"),
    )
)
