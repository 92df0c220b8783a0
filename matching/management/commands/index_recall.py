"""`manage.py index_recall`: what an approximate index of these very faces would miss, beside the exact search."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from matching import service
from matching.errors import PackError
from matching.index import build_hnsw, drop_hnsw, measure_recall, probes_near, store

EF_SEARCH = (40, 100, 200, 400, 1000)


class Command(BaseCommand):
    help = "Build an HNSW index, measure its recall against the exact search, and drop it again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--probes", type=int, default=100, help="how many faces to look for")
        parser.add_argument("--similarity", type=float, default=0.6, help="of a probe to its face")
        parser.add_argument("--keep", action="store_true", help="leave the index in place; a purge then takes longer")

    def handle(self, *args: Any, probes: int, similarity: float, keep: bool, **options: Any) -> None:
        if settings.MATCHING["INDEX"] != "postgresql":
            raise CommandError("Only the index in PostgreSQL can be measured.")
        if not store().size():
            raise CommandError("The index is empty: there is nothing to find.")
        try:
            at_least = service.thresholds(1).probable
        except PackError as error:
            raise CommandError(str(error)) from None
        asked = probes_near(probes, max(similarity, at_least + 0.01))
        expected = store().sweep(list(asked[:, None]), at_least=[at_least] * len(asked))
        self.report(asked, expected, keep=keep)

    def report(self, asked: Any, expected: Any, *, keep: bool) -> None:
        try:
            built = build_hnsw(asked.shape[1])
            share = built.bytes / store().size()
            self.stdout.write(f"HNSW built in {built.seconds:.0f} s, {share:,.0f} bytes a face.")
            self.stdout.write("ef_search  recall    found of there     ms a probe")
            for ef_search in EF_SEARCH:
                recall = measure_recall(asked, expected, ef_search)
                self.stdout.write(
                    f"{recall.ef_search:9}  {recall.share:6.4f}  {recall.found:8} of {recall.expected:<8}"
                    f"  {recall.milliseconds:6.1f}"
                )
        finally:
            if not keep:
                drop_hnsw()
        self.stdout.write("The portal searches exactly whatever this says: HNSW does not tell what it missed.")
