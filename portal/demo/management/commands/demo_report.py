"""What became of one case of the demo, for `make demo`. Refuses outside the demo."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from matching import service
from matching.types import Store
from portal.cases import decisions
from portal.cases.models import Case


class Command(BaseCommand):
    help = "Print as JSON a case's matches with their pages, and what is left of given images and pages."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("case", help="reference of a case")
        parser.add_argument(
            "--left-of", type=Path, help="JSON file: the images, by id, and the pages to look for in every store"
        )

    def handle(self, *args: Any, case: str, left_of: Path | None, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("DEMO is not 1: a real index is not for a demo to read.")
        asked = json.loads(left_of.read_text(encoding="utf-8")) if left_of else {"images": [], "pages": []}
        found = Case.objects.get(reference=case)
        report = {
            "state": found.state,
            "matches": _matches(found),
            "left": sorted(_left([UUID(image) for image in asked["images"]])),
            "indexed": sorted(_indexed(asked["pages"])),
        }
        self.stdout.write(json.dumps(report))


def _matches(case: Case) -> list[dict[str, Any]]:
    """None once the case is closed."""
    matches = list(case.matches.all())
    pages = service.provenance_of([match.image_id for match in matches])
    return [
        {
            "image": str(match.image_id),
            "number": match.pk,
            "page": pages[match.image_id].page if match.image_id in pages else "",
            "similarity": match.similarity,
            "band": match.band,
            "people": decisions.people_needed(case, match),
            "decision": match.decision,
        }
        for match in matches
    ]


def _left(images: list[UUID]) -> set[str]:
    """Those of the images of which any store still has something, or which the operator's search still returns."""
    left = set(service.searchable(images))
    for store in Store:
        left |= service.present_many(images, store)
    return {str(image) for image in left}


def _indexed(pages: list[str]) -> set[str]:
    """Those of the pages that something is indexed from."""
    sources = service.provenance_of(service.images_at(pages)).values()
    return {source.page for source in sources}.intersection(pages)
