"""The operator's register of disclosures: which client was shown which image, and when."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC
from uuid import UUID

from django.db import connection

from matching.models import Disclosure, HarvestedImage
from matching.provenance import addresses, earlier_addresses
from matching.types import EARLIER, TODAY, ImageDisclosure, RegisterLine

# By the image's id, whether or not its row is still there; by an address, while the row says which image lay there.
SHOWN = """
-- What only an earlier digest is known of, of the line or of the image, is compared by earlier ones.
SELECT d.image_id, d.client, d.agency, d.shown_at FROM matching_disclosure d WHERE d.image_id = ANY(%(images)s)
UNION
SELECT i.id, d.client, d.agency, d.shown_at
FROM matching_harvestedimage i
JOIN matching_disclosure d ON d.address_digest = i.page_digest
WHERE i.id = ANY(%(images)s)
UNION
SELECT i.id, d.client, d.agency, d.shown_at
FROM matching_harvestedimage i
JOIN matching_disclosure d ON d.address_digest = i.address_digest
WHERE i.id = ANY(%(images)s) AND i.address_form = %(today)s
UNION
SELECT i.id, d.client, d.agency, d.shown_at
FROM matching_harvestedimage i
JOIN matching_disclosure d ON d.earlier_digest = i.address_digest
WHERE i.id = ANY(%(images)s) AND i.address_form = %(earlier)s AND i.address_digest <> i.page_digest
UNION
SELECT page.image_id, d.client, d.agency, d.shown_at
FROM unnest(%(pages_of)s::uuid[], %(pages)b::bytea[]) AS page (image_id, digest)
JOIN matching_disclosure d ON d.earlier_digest = page.digest
WHERE d.address_digest IS NULL
ORDER BY 1, 4, 2, 3
"""

# The register may name an image after it was removed: then only its id finds it.
GONE = """
SELECT DISTINCT d.image_id
FROM matching_disclosure d
WHERE d.image_id > %s AND NOT EXISTS (SELECT FROM matching_harvestedimage i WHERE i.id = d.image_id)
ORDER BY d.image_id LIMIT %s
"""


def import_lines(lines: Sequence[RegisterLine]) -> int:
    """Keep the lines that are not here yet; returns how many."""
    rows = {row.digest: row for row in map(row_of, lines)}
    known = set(Disclosure.objects.filter(digest__in=list(rows)).values_list("digest", flat=True))
    new = [row for digest, row in rows.items() if digest not in {bytes(each) for each in known}]
    # Another import may be at the same file.
    Disclosure.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def row_of(line: RegisterLine) -> Disclosure:
    address = addresses.digest(line.address) if line.address else None
    earlier = earlier_addresses.digest(line.address) if line.address else None
    shown_at = line.shown_at.astimezone(UTC)
    content = [
        line.client,
        line.agency,
        shown_at.isoformat(),
        str(line.image_id or ""),
        address.hex() if address else "",
    ]
    digest = hashlib.sha256(json.dumps(content).encode()).digest()
    return Disclosure(
        digest=digest,
        client=line.client,
        agency=line.agency,
        shown_at=shown_at,
        image_id=line.image_id,
        address_digest=address,
        earlier_digest=earlier,
    )


def of_images(image_ids: Iterable[UUID]) -> tuple[ImageDisclosure, ...]:
    asked = list(image_ids)
    kept = HarvestedImage.objects.filter(id__in=asked).values_list("id", "page")
    pages = [(image_id, digest) for image_id, page in kept for digest in earlier_addresses.digests(page)]
    with connection.cursor() as cursor:
        cursor.execute(
            SHOWN,
            {
                "images": asked,
                "pages_of": [image_id for image_id, _digest in pages],
                "pages": [digest for _id, digest in pages],
                "today": TODAY,
                "earlier": EARLIER,
            },
        )
        return tuple(ImageDisclosure(*row) for row in cursor.fetchall())


def of_images_gone(*, after: UUID, most: int) -> tuple[UUID, ...]:
    """Images that the register names and the index does not hold, by id."""
    with connection.cursor() as cursor:
        cursor.execute(GONE, [after, most])
        return tuple(row[0] for row in cursor.fetchall())
