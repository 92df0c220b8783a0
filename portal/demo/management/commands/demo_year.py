"""A made-up year of closed cases, so that a regulator's page can be seen with figures. Refuses outside the demo.

The rows are what the statistics read and nothing else: no person, no image, no key, no entry in trail or ledger.
"""

import random
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from portal.cases import receipts
from portal.cases.models import Case, Route
from portal.cases.states import State
from portal.core import clock
from portal.policies import deadlines, statutes
from portal.policies.assurance import Proof
from portal.statistics import releases
from portal.takedowns.models import Removal, Takedown
from portal.takedowns.states import RemovalState, TakedownState

WEEKS = 52
A_WEEK = 9  # cases at first; four times as many at the end
PLACES = {"CA-BC": 30, "CA-ON": 26, "CA-QC": 22, "CA-AB": 12, "US-CA": 6, "EU": 4}  # how often each
FOUND = 0.6  # the share of cases in which something is found
IMAGES = (1, 14)  # of such a case
MARK = "Y"  # references of the year begin with it


class Command(BaseCommand):
    help = "Add a made-up year of closed cases to the demo, for the regulator's page."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, default=1, help="another one gives another year")

    @transaction.atomic
    def handle(self, *args: Any, seed: int, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("DEMO is not 1: a real portal's figures are not made up.")
        if Case.objects.filter(reference__startswith=f"{MARK}000-").exists():
            raise CommandError("The year is there already.")
        chance = random.Random(seed)  # noqa: S311  (made-up figures, no secret)
        cases = list(_cases(chance))
        Case.objects.bulk_create(cases)
        removals = [_removal(case, chance) for case in cases if chance.random() < FOUND]
        Removal.objects.bulk_create(removals)
        images = Takedown.objects.bulk_create(
            Takedown(removal=removal, image_id=uuid4(), state=TakedownState.PURGED)
            for removal in removals
            for _ in range(chance.randint(*IMAGES))
        )
        releases.publish()
        self.stdout.write(f"{len(cases)} closed cases and {len(images)} images were made up.")


def _cases(chance: random.Random) -> Iterator[Case]:
    now = clock.now()
    number = 0
    for week in range(WEEKS):
        mean = A_WEEK * (1 + 3 * week / WEEKS)
        for _ in range(max(1, round(chance.gauss(mean, mean / 6)))):
            ago = timedelta(weeks=WEEKS - week) - timedelta(days=chance.uniform(0, 7))
            yield _case(number, now - ago, chance)
            number += 1


def _case(number: int, received_at: datetime, chance: random.Random) -> Case:
    place = chance.choices(list(PLACES), list(PLACES.values()))[0]
    day = deadlines.day_of_receipt(received_at, statutes.PLACES[place])
    statute = statutes.law_of(place, day.date)
    settled_at = received_at + timedelta(days=chance.triangular(0.4, 6.5, 2))
    closed_at = settled_at + timedelta(hours=chance.uniform(1, 30))
    if (until := clock.now()) < closed_at:  # the newest are closed sooner
        settled_at, closed_at = received_at + (until - received_at) / 2, until
    case = Case(
        reference=f"{MARK}000-{number:04}",
        state=State.CLOSED,
        route=Route.PHOTO,
        proof=Proof.PHOTO,
        language=chance.choice(["en", "en", "fr"]),
        place=place,
        statute=statute.code,
        statute_version=statutes.VERSION,
        due_on=deadlines.due_on(day.date, statute),
        received_on=day.date,
        received_zone=day.zone,
        opened_at=received_at,
        received_at=received_at,
        slot_at=settled_at,
        decided_at=settled_at,
        settled_at=settled_at,
        announced_at=settled_at,
        closed_at=closed_at,
        recorded_at=closed_at,
        receipted_at=closed_at,
    )
    case.receipt_at = receipts.slot(case)
    return case


def _removal(case: Case, chance: random.Random) -> Removal:
    """Each promise is kept with room to spare."""
    assert case.settled_at is not None
    opened_at = case.settled_at - deadlines.REMOVED_WITHIN * chance.uniform(0.4, 0.5)
    return Removal(
        origin=case.code,
        job_when_removed="case.settle",
        job_when_purged="case.close",
        state=RemovalState.PURGED,
        opened_at=opened_at,
        hidden_at=opened_at + deadlines.HIDDEN_WITHIN * chance.uniform(0.1, 0.7),
        removed_at=opened_at + deadlines.REMOVED_WITHIN * chance.uniform(0.3, 0.4),
        purged_at=opened_at + deadlines.PURGED_WITHIN * chance.uniform(0.2, 0.35),
        log_checked=True,
    )
