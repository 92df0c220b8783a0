"""The columns that say where an image is from, the same in every table in which they stand."""

from functools import lru_cache
from urllib.parse import urlsplit

from matching.provenance import addresses
from matching.tables import Refused, day_column, text_column

LONGEST_ADDRESS = 8000  # octets that RFC 9110, section 4.1, asks everybody to take
LONGEST_SITE = 253  # characters of a host name


def web_address(text: str) -> str:
    """As it stands. Errors: Refused."""
    try:
        normal = addresses.normal(text)
    except ValueError:
        normal = ""
    # A single word can be read as the name of a host, but `unknown` is none.
    if not normal or ("://" not in text and "." not in normal.partition("/")[0]):
        raise Refused("is no web address: write it as https://example.com/page")
    return text


def country_code(text: str) -> str:
    if len(text) != 2 or not (text.isascii() and text.isalpha()):
        raise Refused("is no country code of two letters (ISO 3166-1): write it as CA")
    return text.upper()


PAGE = text_column("page", longest=LONGEST_ADDRESS, needed=True, check=web_address)
ADDRESS = text_column("address", longest=LONGEST_ADDRESS, check=web_address)
SITE = text_column("site", longest=LONGEST_SITE)
COUNTRY = text_column("country", longest=100, check=country_code)
HARVESTED_ON = day_column("harvested_on")


def site_of(page: str) -> str:
    """The host of an address; those of one site follow each other."""
    return _host("/".join((page if "://" in page else f"//{page}").split("/", 3)[:3]))


@lru_cache
def _host(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""
