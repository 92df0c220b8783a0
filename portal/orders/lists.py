"""The list of an order: image ids or addresses, one in the first column of each line of a CSV file."""

import csv
from collections.abc import Iterator
from io import StringIO
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from matching import service
from portal.core import pasted
from portal.orders.faults import Unreadable

LONGEST = 200_000  # lines
BATCH = 1000  # addresses a query


def images(content: bytes) -> list[UUID]:
    """The images named. Errors: Unreadable.

    An id is taken as it is, since removing what is gone is no error; an address stands for every image found there.
    """
    values = list(_values(content))
    if not values:
        raise Unreadable(_("The file names no image."))
    if over := max(0, len(values) - LONGEST):
        told = {"lines": len(values), "over": over, "most": LONGEST}
        raise Unreadable(
            _("The file has %(lines)s lines, %(over)s more than the %(most)s of one list: divide it.") % told
        )
    ids = [found for _line, value in values if (found := _id(value))]
    addresses = [each for line, value in values if not _id(value) for each in _addresses(line, value)]
    for start in range(0, len(addresses), BATCH):
        ids += service.images_at(addresses[start : start + BATCH])
    return sorted(set(ids))


def _values(content: bytes) -> Iterator[tuple[int, str]]:
    """Line and value; a header, which is neither id nor address, is left out."""
    try:
        text = content.decode("utf-8-sig")
        rows = [
            (number, pasted.plain(row[0]).strip())
            for number, row in enumerate(csv.reader(StringIO(text)), start=1)
            if row
        ]
    except (UnicodeDecodeError, csv.Error):
        raise Unreadable(_("The file is not a CSV file in UTF-8.")) from None
    for place, (number, value) in enumerate(rows):
        if value and not (place == 0 and _is_header(value)):
            yield number, value


def _is_header(value: str) -> bool:
    return _id(value) is None and "/" not in value


def _id(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


def _addresses(line: int, value: str) -> list[str]:
    """As they stand and without the punctuation at their end. An address within one is not meant: an order is."""
    try:
        return [ending for each in pasted.web_addresses(value) for ending in pasted.endings(each)]
    except pasted.Unusable as unusable:
        told = {"line": line, "named": unusable.named, "most": pasted.LONGEST_ADDRESS}
        raise Unreadable(str(_WRONG[unusable.fault]) % told) from None


_WRONG = {
    pasted.Fault.NO_ADDRESS: gettext_lazy("Line %(line)s is neither the id of an image nor an address."),
    pasted.Fault.SCHEME: gettext_lazy("Line %(line)s: addresses begin with https: or http:, not with “%(named)s:”."),
    pasted.Fault.PORT: gettext_lazy("Line %(line)s: “%(named)s” is no port; a port is a number from 1 to 65535."),
    pasted.Fault.TOO_LONG: gettext_lazy(
        "Line %(line)s is longer than the %(most)s characters that an address can have."
    ),
}
