"""What must be reported and preserved before suspected child abuse material may be deleted: law as data.

Which of these duties an operator has is for its counsel to say; the longest that applies is the one to choose.
"""

from dataclasses import dataclass
from datetime import date

from portal.policies.deadlines import add_months


@dataclass(frozen=True)
class Duty:
    code: str
    report_to: str
    keep_days: int
    keep_months: int
    source: str
    verified: bool

    def keep_until(self, reported_on: date) -> date:
        """The last day on which it must still be there."""
        return date.fromordinal(add_months(reported_on, self.keep_months).toordinal() + self.keep_days)


CANADA = Duty(
    code="ca-2011-c4",
    report_to="Cybertip.ca (Canadian Centre for Child Protection), and the police where the own service was used",
    keep_days=21,
    keep_months=0,
    # s. 2 report, s. 3 notify police, s. 4(1) preserve for 21 days after the notification, s. 4(2) destroy after it,
    # s. 5 tell nobody where that could prejudice an investigation.
    source="An Act respecting the mandatory reporting of Internet child pornography, S.C. 2011, c. 4, s. 2–5",
    verified=False,
)
UNITED_STATES = Duty(
    code="us-18-2258a",
    report_to="CyberTipline (NCMEC)",
    keep_days=0,
    keep_months=12,
    # (h)(1): one year since Pub. L. 118-59 § 3(1) of 7 May 2024; (h)(5) allows longer for the same purpose.
    source="18 U.S.C. § 2258A(a), (h)",
    verified=True,
)
ALL: dict[str, Duty] = {duty.code: duty for duty in (CANADA, UNITED_STATES)}
