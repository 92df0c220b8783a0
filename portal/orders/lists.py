"""The list of an order: image ids or addresses, one in the first column of each line of a CSV file."""

import csv
from collections.abc import Iterator
from io import StringIO
from uuid import UUID

from django.utils.translation import gettext as _

from matching import service
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
    if len(values) > LONGEST:
        raise Unreadable(_("The file has more than %(lines)s lines: divide it.") % {"lines": LONGEST})
    ids = [found for _line, value in values if (found := _id(value))]
    addresses = [value for line, value in values if not _id(value) and _is_address(line, value)]
    for start in range(0, len(addresses), BATCH):
        ids += service.images_at(addresses[start : start + BATCH])
    return sorted(set(ids))


def _values(content: bytes) -> Iterator[tuple[int, str]]:
    """Line and value; a header, which is neither id nor address, is left out."""
    try:
        text = content.decode("utf-8-sig")
        rows = [(number, row[0].strip()) for number, row in enumerate(csv.reader(StringIO(text)), start=1) if row]
    except (UnicodeDecodeError, csv.Error):
        raise Unreadable(_("The file is not a CSV file in UTF-8.")) from None
    for place, (number, value) in enumerate(rows):
        if value and not (place == 0 and _is_header(value)):
            yield number, value


def _is_header(value: str) -> bool:
    return _id(value) is None and "://" not in value


def _id(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


def _is_address(line: int, value: str) -> bool:
    if not value.startswith(("http://", "https://")):
        raise Unreadable(_("Line %(line)s is neither the id of an image nor an address.") % {"line": line})
    return True
