"""Where harvested images came from, who was shown them, and addresses from which nothing may come again."""

from matching.provenance.addresses import digest as digest_of_address
from matching.provenance.columns import ADDRESS, COUNTRY, HARVESTED_ON, PAGE, SITE, site_of
from matching.provenance.disclosures import import_lines as import_disclosures
from matching.provenance.disclosures import of_images as disclosures_of
from matching.provenance.disclosures import of_images_gone as disclosed_and_gone
from matching.provenance.earlier_addresses import spellings as spellings_of_address
from matching.provenance.refused_addresses import NOTE as REFUSED_NOTE
from matching.provenance.refused_addresses import after as refused_after
from matching.provenance.refused_addresses import begin_anew as begin_refused_list_anew
from matching.provenance.refused_addresses import edition as refused_list_edition
from matching.provenance.refused_addresses import listed as refused_among
from matching.provenance.refused_addresses import missing as not_refused
from matching.provenance.refused_addresses import refuse as refuse_addresses
from matching.provenance.refused_addresses import replay_note as replay_refused_note
from matching.provenance.refused_addresses import size as refused_count
from matching.provenance.register import Register
from matching.provenance.scope import (
    breakdown,
    count,
    draw,
    file_digests,
    has_file,
    identifiers_of,
    images_at,
    provenance_of,
    select,
    within,
)

__all__ = [
    "ADDRESS",
    "COUNTRY",
    "HARVESTED_ON",
    "PAGE",
    "REFUSED_NOTE",
    "SITE",
    "Register",
    "begin_refused_list_anew",
    "breakdown",
    "count",
    "digest_of_address",
    "disclosed_and_gone",
    "disclosures_of",
    "draw",
    "file_digests",
    "has_file",
    "identifiers_of",
    "images_at",
    "import_disclosures",
    "not_refused",
    "provenance_of",
    "refuse_addresses",
    "refused_after",
    "refused_among",
    "refused_count",
    "refused_list_edition",
    "replay_refused_note",
    "select",
    "site_of",
    "spellings_of_address",
    "within",
]
