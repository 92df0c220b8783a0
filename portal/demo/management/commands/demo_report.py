"""What became of one case of the demo, for `make demo`. Refuses outside the demo."""

import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from matching import service
from matching.types import Store
from portal.cases.models import Case
from portal.takedowns.models import Takedown


class Command(BaseCommand):
    help = "Print as JSON a case's matches with their pages, or what is left of given images."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--case", help="reference of a case")
        parser.add_argument("--images", nargs="*", type=UUID, default=[], help="ids to read back in every store")
        parser.add_argument("--pages", nargs="*", default=[], help="addresses that nothing may be indexed from")

    def handle(self, *args: Any, case: str | None, images: list[UUID], pages: list[str], **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("DEMO is not 1: a real index is not for a demo to read.")
        indexed = [page for page in pages if service.images_at([page])]
        report: dict[str, Any] = {"left": _left(images), "indexed": indexed}
        if case is not None:
            report |= _of_case(Case.objects.get(reference=case))
        self.stdout.write(json.dumps(report))


def _of_case(case: Case) -> dict[str, Any]:
    matches = list(case.matches.all())
    pages = service.provenance_of([match.image_id for match in matches])
    states = dict(Takedown.objects.filter(removal__origin=case.code).values_list("image_id", "state"))
    return {
        "state": case.state,
        "matches": [
            {
                "image": str(match.image_id),
                "page": pages[match.image_id].page if match.image_id in pages else "",
                "similarity": match.similarity,
                "band": match.band,
                "takedown": states.get(match.image_id, ""),
            }
            for match in matches
        ],
    }


def _left(images: list[UUID]) -> list[str]:
    """Those of the images of which any store still has something, or which the operator's search still returns."""
    searchable = service.searchable(images)
    return [
        str(image) for image in images if image in searchable or any(service.present(image, store) for store in Store)
    ]
