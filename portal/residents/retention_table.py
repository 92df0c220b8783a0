"""The retention table of `policies.retention` in the words of the privacy page."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.core.durations import in_words
from portal.policies import retention

WORDS: dict[retention.Rule, tuple[Promise, Promise]] = {
    retention.DRAFT: (
        _("A request that you began and did not send"),
        _("You did not send it, so there is nothing for us to do."),
    ),
    retention.CODE: (_("A code that we mailed to you"), _("Long enough to read a mail.")),
    retention.SESSION: (
        _("Your visit in this browser"),
        _("So that nobody else opens your request on a shared computer."),
    ),
    retention.JOB: (
        _("Records of finished work on our machines"),
        _("To check that the work was done. They hold numbers only."),
    ),
    retention.RECEIPT: (
        _("Your email address and what opens your receipt"),
        _("To send you the receipt again. After that only you can show it."),
    ),
    retention.BACKUP: (
        _("Copies of our database, in case it is damaged"),
        _("So that what was deleted soon leaves these copies too. A photo that we destroyed cannot be read in them."),
    ),
    retention.BLOCK: (
        _("A template of your face that keeps you out, and your email address for a lost code, if you asked for it"),
        _("You end it at any time with your code, and can renew it. After this time it ends by itself."),
    ),
    retention.LOST_CODE: (
        _("An email address that was entered to ask for a lost code"),
        _("We look for it at a fixed time and forget it then."),
    ),
}


@dataclass(frozen=True)
class Row:
    record: Promise
    period: str
    reason: Promise


def rows() -> Iterator[Row]:
    for rule in retention.ALL:
        record, reason = WORDS[rule]
        yield Row(record, in_words(rule.kept_for), reason)
