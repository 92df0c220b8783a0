"""How live a photo looked is seen by staff who unlocked the case, and by nobody else."""

from pathlib import Path

import pytest
from django.conf import Settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.cases import forget, personal
from portal.cases.models import Case, LiveScore, Route
from portal.cases.states import State
from tests.builders import assign, astronaut_jpeg, make_case, session_of
from tests.matching.conftest import set_matching
from tests.staff.build import unlock

SCORE = "presentation attack score"


@pytest.fixture
def case(db: None) -> Case:
    case = assign(make_case(State.REVIEW, route=Route.PHOTO))
    personal.keep_live_score(case, 0.8765)
    return case


def page(case: Case, by: Client) -> str:
    return by.get(f"/en/staff/cases/{case.code}/").content.decode()


def test_it_is_shown_as_evidence_once_the_case_is_unlocked(case: Case, sam_client: Client) -> None:
    assert SCORE not in page(case, sam_client)
    unlock(sam_client, case)
    shown = page(case, sam_client)
    assert f"Photo 1: {SCORE} 0.88" in shown
    assert "It is no proof" in shown


def test_the_subject_never_sees_it(case: Case) -> None:
    resident = session_of(case)
    for path in ("/en/status/", "/en/request/done/", "/en/request/photo/"):
        assert SCORE not in resident.get(path, follow=True).content.decode()


def test_it_is_sealed_and_goes_with_the_photo(case: Case) -> None:
    assert b"0.87" not in bytes(LiveScore.objects.get().sealed)
    assert personal.live_scores(case) == [0.8765]
    forget.photos(case)
    assert not LiveScore.objects.exists()


@pytest.mark.realfaces
def test_an_upload_brings_its_score_where_the_models_are(db: None, settings: Settings, shared: Path) -> None:
    set_matching(settings, PAD_FOLDER=str(shared / "models" / "antispoof"))
    case = make_case(route=Route.PHOTO)
    photo = SimpleUploadedFile("x.jpg", astronaut_jpeg())
    assert session_of(case).post("/en/request/photo/", {"photo": photo}).status_code == 302
    *_earlier, score = personal.live_scores(case)
    assert 0.5 < score <= 1
