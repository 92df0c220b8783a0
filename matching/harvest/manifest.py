"""Reading a manifest: a table of photos with where they were found.

file          relative to the manifest
page          the address it was found at; site, country (optional)
harvested_on  a day, YYYY-MM-DD
"""

from collections.abc import Iterator
from pathlib import Path

from matching.provenance import COUNTRY, HARVESTED_ON, PAGE, SITE, site_of
from matching.tables import open_table, rows_of, text_column
from matching.types import Fault, Harvestable

FILE = text_column("file", longest=4096, needed=True)
COLUMNS = (FILE, PAGE, SITE, HARVESTED_ON, COUNTRY)


def read(manifest: Path) -> Iterator[Harvestable | Fault]:
    """Errors: BadTable."""
    for batch in open_table(manifest, COLUMNS).batches():
        for _place, row in rows_of(batch, COLUMNS):
            if isinstance(row, Fault):
                yield row
                continue
            yield Harvestable(
                file=manifest.parent / row["file"],
                page=row["page"],
                site=row["site"] or site_of(row["page"]),
                harvested_on=row["harvested_on"],
                country=row["country"],
            )
