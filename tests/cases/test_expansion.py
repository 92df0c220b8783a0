"""What staff confirm is searched on with; what that finds is decided by two people, and nobody outside can tell."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from matching import service
from matching.calibration import bands, files
from matching.calibration.bands import Calibration, Point
from matching.faces import packs
from matching.search import exact_search
from matching.types import Embeddings
from portal.accounts.models import User
from portal.cases import actions, decisions, personal, work
from portal.cases.models import Case, Decision, ProbeKind, Route
from portal.cases.states import State
from portal.jobs.models import Job
from tests.builders import look_at, make_case
from tests.matching.builders import make_image, near, placed, unit_rows

pytestmark = pytest.mark.django_db(transaction=True)
Drain = Callable[[], int]


@pytest.fixture
def case(settings: Any, tmp_path: Path, db: None) -> Case:
    """A case in an index so large for its calibration that own probes reach from 0.961 up, further ones from 0.938."""
    points = (Point(0.93, 90, 1, 0), Point(0.938, 80, 1, 5), Point(0.961, 10, 0.2, 100), Point(0.99, 0, 0.1, 500))
    strict = Calibration(
        "dlib", packs.chosen().recogniser_sha256, "Made up.", "2026-01-01", 9, 9, 9, 99, 99, 1000, 1, points
    )
    settings.MATCHING = {**settings.MATCHING, "CALIBRATIONS": str(tmp_path)}
    (tmp_path / "strict.json").write_text(files.as_json(strict))
    make_image(unit_rows(25, seed=20), page="https://harvest.example/crowd.jpg")
    return make_case(State.RECEIVED, route=Route.PHOTO)


@pytest.fixture
def own(case: Case) -> Embeddings:
    first: Embeddings = personal.probes(case)[0]
    return first


@pytest.fixture
def confirmed(own: Embeddings) -> Embeddings:
    return near(own, 0.975, seed=21)


@pytest.fixture
def reviewed(case: Case, own: Embeddings, confirmed: Embeddings, drain: Drain) -> Case:
    """One match, found by the photo itself and waiting for staff."""
    make_image(confirmed[np.newaxis], page="https://harvest.example/first.jpg")
    drain()
    return Case.objects.get(pk=case.pk)


def further(own: Embeddings, confirmed: Embeddings) -> UUID:
    """A photo of the same person that the given one is too far from."""
    row = placed((own, 0.945), (confirmed, 0.97), seed=22)
    return make_image(row[np.newaxis], page="https://harvest.example/further.jpg")


def confirm_all(case: Case, sam: User, lee: User) -> None:
    matches = list(case.matches.filter(decision=Decision.OPEN).values_list("pk", flat=True))
    look_at(case, sam, lee)
    proposal = decisions.propose_decision(case, by=sam, delete=matches)
    decisions.confirm(proposal, by=lee)


def test_a_confirmed_match_leads_to_one_that_the_photo_did_not_find(
    reviewed: Case, own: Embeddings, confirmed: Embeddings, sam: User, lee: User, drain: Drain
) -> None:
    more = further(own, confirmed)
    assert reviewed.matches.count() == 1
    confirm_all(reviewed, sam, lee)
    assert len(personal.probes(reviewed, ProbeKind.CONFIRMED)) == 1
    drain()
    case = Case.objects.get(pk=reviewed.pk)
    found = case.matches.get(image_id=more)
    assert (case.state, found.band, found.expanded, found.decision) == (State.REVIEW, "probable", True, "open")
    assert decisions.people_needed(case, found) == 2
    confirm_all(case, sam, lee)
    drain()
    case.refresh_from_db()
    assert case.state == State.SETTLED
    assert not case.probes.exists()


def test_it_is_found_while_the_first_still_cools(
    reviewed: Case, own: Embeddings, confirmed: Embeddings, sam: User, lee: User
) -> None:
    more = further(own, confirmed)
    confirm_all(reviewed, sam, lee)
    assert Job.objects.filter(kind="case.expand", subject=str(reviewed.code)).exists()
    work.expand(str(reviewed.code))
    assert reviewed.matches.filter(image_id=more, expanded=True).exists()
    assert Case.objects.get(pk=reviewed.pk).state == State.REVIEW


def test_whom_staff_left_is_not_searched_on_with(
    reviewed: Case, own: Embeddings, confirmed: Embeddings, sam: User, lee: User, drain: Drain
) -> None:
    further(own, confirmed)
    look_at(reviewed, sam, lee)
    decisions.confirm(decisions.propose_decision(reviewed, by=sam, delete=[]), by=lee)
    assert not reviewed.probes.filter(kind=ProbeKind.CONFIRMED).exists()
    drain()
    assert Case.objects.get(pk=reviewed.pk).state == State.SETTLED
    assert reviewed.matches.count() == 1


def test_nothing_more_is_searched_once_withdrawn(
    reviewed: Case, own: Embeddings, confirmed: Embeddings, sam: User, lee: User, drain: Drain
) -> None:
    further(own, confirmed)
    confirm_all(reviewed, sam, lee)
    actions.withdraw(Case.objects.get(pk=reviewed.pk))
    drain()
    assert not reviewed.probes.exists()
    assert reviewed.matches.count() == 1


def test_each_match_keeps_the_thresholds_it_was_found_with(
    reviewed: Case, own: Embeddings, confirmed: Embeddings, sam: User, lee: User, drain: Drain
) -> None:
    first = reviewed.matches.get().search
    more = further(own, confirmed)
    confirm_all(reviewed, sam, lee)
    drain()
    later = reviewed.matches.get(image_id=more).search
    assert first is not None
    assert later is not None
    assert first.index_size == 26
    assert later.pk > first.pk
    assert reviewed.matches.exclude(image_id=more).get().search == first


def test_the_index_is_too_large_for_the_photo_alone(case: Case) -> None:
    limits = service.thresholds(1)
    assert limits.certain is None
    assert limits.probable == 0.961
    assert bands.threshold_at_target_fnmr(exact_search.calibration()) == 0.938
