"""How many cases may be begun and how many mails asked for: by one visitor, for one mailbox, by all (policies.budgets).

The narrowest count comes first, so that whoever has spent their own goes on to spend nothing that others share.
"""

from portal.cases.faults import TooManyCases, TooManyCodes
from portal.core import limits, mail_addresses
from portal.policies import budgets


def take_case(visitor: str | None) -> None:
    """`visitor` is as portal.core.visitors names it, None at a terminal. Errors: TooManyCases."""
    if visitor is not None and not limits.spend("case-visitor", visitor, budgets.CASES_OF_A_VISITOR):
        raise TooManyCases
    if not limits.spend("case-all", "", budgets.CASES_OF_ALL):
        raise TooManyCases


def take_mail(visitor: str | None, address: str) -> None:
    """Errors: TooManyCodes."""
    if not limits.spend("mail-mailbox", mailbox(address), budgets.CODES):
        raise TooManyCodes
    if visitor is not None and not limits.spend("mail-visitor", visitor, budgets.MAILS_OF_A_VISITOR):
        raise TooManyCodes
    if not limits.spend("mail-all", "", budgets.MAILS_OF_ALL):
        raise TooManyCodes


def mailbox(address: str) -> str:
    """Where the mail ends up at many providers: without what follows a plus (RFC 5233), in its one form."""
    local, _at, domain = mail_addresses.key(address).rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"
