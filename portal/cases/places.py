"""Names of the places a data subject may live in (`policies.statutes.PLACES`), and of the time zones that count."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

NAMES: dict[str, Promise] = {
    "CA-AB": _("Alberta"),
    "CA-BC": _("British Columbia"),
    "CA-MB": _("Manitoba"),
    "CA-NB": _("New Brunswick"),
    "CA-NL": _("Newfoundland and Labrador"),
    "CA-NS": _("Nova Scotia"),
    "CA-NT": _("Northwest Territories"),
    "CA-NU": _("Nunavut"),
    "CA-ON": _("Ontario"),
    "CA-PE": _("Prince Edward Island"),
    "CA-QC": _("Quebec"),
    "CA-SK": _("Saskatchewan"),
    "CA-YT": _("Yukon"),
    "EU": _("European Union, Iceland, Liechtenstein or Norway"),
    "GB": _("United Kingdom"),
    "US-CA": _("California"),
    "OTHER": _("Somewhere else"),
}

# Of each place, the zone whose clocks are behind all others.
_ZONES: dict[str, Promise] = {
    "America/Cambridge_Bay": _("Mountain Time"),
    "America/Edmonton": _("Mountain Time"),
    "America/Goose_Bay": _("Atlantic Time"),
    "America/Halifax": _("Atlantic Time"),
    "America/Inuvik": _("Mountain Time"),
    "America/Los_Angeles": _("Pacific Time"),
    "America/Martinique": _("time of Martinique, UTC−4"),
    "America/Moncton": _("Atlantic Time"),
    "America/Toronto": _("Eastern Time"),
    "America/Vancouver": _("Pacific Time"),
    "America/Whitehorse": _("Yukon Time"),
    "America/Winnipeg": _("Central Time"),
    "Etc/GMT+12": _("UTC−12, the last time zone on Earth"),
    "Europe/London": _("United Kingdom time"),
}


def zone_name(zone: str) -> str:
    """In words; the name in the IANA database where the case is older than the day of receipt that it states."""
    return str(_ZONES.get(zone, zone))
