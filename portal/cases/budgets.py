"""How many cases may be begun and how many mails asked for within an hour: by one visitor, for one mailbox, by all.

The narrowest count comes first, so that whoever has spent their own goes on to spend nothing that others share.
"""

from datetime import timedelta

from portal.cases.faults import TooManyCases, TooManyCodes
from portal.core import limits

HOUR = timedelta(hours=1)
# A library or an office is one visitor.
CASES_OF_A_VISITOR, CASES_OF_ALL = 30, 3000
MAILS_TO_A_MAILBOX, MAILS_OF_A_VISITOR, MAILS_OF_ALL = 5, 30, 5000


def take_case(visitor: str | None) -> None:
    """visitor: as portal.core.visitors names it; None where nobody visits, as at a terminal. Errors: TooManyCases."""
    if visitor is not None and not limits.take("case-visitor", visitor, most=CASES_OF_A_VISITOR, per=HOUR):
        raise TooManyCases
    if not limits.take("case-all", "", most=CASES_OF_ALL, per=HOUR):
        raise TooManyCases


def take_mail(visitor: str | None, address: str) -> None:
    """Errors: TooManyCodes."""
    if not limits.take("mail-mailbox", mailbox(address), most=MAILS_TO_A_MAILBOX, per=HOUR):
        raise TooManyCodes
    if visitor is not None and not limits.take("mail-visitor", visitor, most=MAILS_OF_A_VISITOR, per=HOUR):
        raise TooManyCodes
    if not limits.take("mail-all", "", most=MAILS_OF_ALL, per=HOUR):
        raise TooManyCodes


def mailbox(address: str) -> str:
    """Where the mail ends up at many providers: without what follows a plus (RFC 5233), in small letters."""
    local, _at, domain = address.strip().casefold().rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"
