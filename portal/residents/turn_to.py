"""The tables of `policies.contacts` in the words of the pages."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from portal.cases import places
from portal.policies import contacts
from portal.policies.contacts import Audience

AUDIENCES: dict[Audience, Promise] = {
    Audience.UNDER_18_IN_CANADA: _("You were under 18 in the images, and live in Canada"),
    Audience.UNDER_18: _("You were under 18 in the images, wherever you live"),
    Audience.ADULTS: _("You were 18 or older in the images"),
    Audience.IN_DISTRESS: _("You are young and need somebody to talk to"),
}


@dataclass(frozen=True)
class Row:
    """A regulator, and the places it is for."""

    places: str
    regulator: contacts.Told


def regulators() -> Iterator[Row]:
    """One row a regulator: who hears the complaints of several places is named once."""
    language = get_language() or "en"
    heard: dict[contacts.Regulator, list[str]] = {}
    for place, regulator in contacts.REGULATORS.items():
        heard.setdefault(regulator, []).append(place)
    for named in heard.values():
        names = ", ".join(str(places.NAMES[place]) for place in named)
        yield Row(names, contacts.regulator_of(named[0], language))


@dataclass(frozen=True)
class Service:
    audience: Promise
    name: str
    page: str
    phone: str


def services() -> Iterator[Service]:
    language = get_language() or "en"
    for row in contacts.HELP:
        yield Service(AUDIENCES[row.audience], row.name.of(language), row.page.of(language), row.phone)
