"""Whatever is sent as a photo, the page answers soon: what it cannot use with 4xx, what must wait with 503."""

import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest
from django.conf import Settings
from django.core.files.uploadedfile import SimpleUploadedFile

from bench import hostile_photos
from matching.faces import find_faces
from matching.types import PhotoFault
from portal.cases.models import Case, Route
from portal.policies import budgets
from portal.residents import photo_faults
from portal.residents.forms import PhotoForm
from tests import builders
from tests.conftest import SHARED
from tests.matching.conftest import set_matching

PAGE = "/en/request/photo/"
SECONDS = 5


@pytest.fixture
def case(db: None) -> Case:
    return builders.make_case(route=Route.PHOTO)


def photo(content: bytes, name: str = "x.jpg") -> dict[str, SimpleUploadedFile]:
    return {"photo": SimpleUploadedFile(name, content)}


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("pack", ["dlib", pytest.param("buffalo_sc", marks=pytest.mark.realfaces)])
def test_photos_of_each_hostile_kind_are_answered_soon(
    pack: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "PHOTOS", replace(budgets.PHOTOS, most=100))
    set_matching(settings, PACK=pack, PACKS_FOLDER=str(SHARED / "models"))
    ana = builders.session_of(builders.make_case(route=Route.PHOTO))  # a photo is in it: the models are loaded
    answered: dict[str, set[int]] = defaultdict(set)
    for seed in hostile_photos.seeds(step=7):
        begun = time.monotonic()
        answered[seed.kind].add(ana.post(PAGE, photo(seed.content)).status_code)
        assert time.monotonic() - begun < SECONDS, seed.kind
    assert len(answered) == 20
    assert set().union(*answered.values()) <= {302, 422}
    assert answered["no picture"] == answered["truncated"] == answered["bomb"] == {422}


def test_what_a_photo_says_it_is_counts_for_nothing(case: Case) -> None:
    ana = builders.session_of(case)
    page = ana.post(PAGE, photo(b"<svg onload='alert(1)'></svg>", name="me.jpg"))
    assert page.status_code == 422
    assert str(photo_faults.SENTENCES[PhotoFault.NOT_AN_IMAGE]) in page.content.decode()
    assert ana.post(PAGE, photo(builders.astronaut_jpeg(), name="me.svg.exe")).status_code == 302


def test_it_asks_to_come_back_when_others_take_too_long(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find_faces, "SECONDS_IN_LINE", 0.1)
    monkeypatch.setattr(budgets, "PHOTOS", replace(budgets.PHOTOS, most=1))
    ana, taken, done = builders.session_of(case), Event(), Event()

    def another() -> None:
        with find_faces.turn(10):
            taken.set()
            done.wait(10)

    with ThreadPoolExecutor(1) as threads:
        threads.submit(another)
        taken.wait(10)
        answer = ana.post(PAGE, photo(builders.astronaut_jpeg()))
        done.set()
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "choose the photo again" in answer.content.decode()
    assert ana.post(PAGE, photo(builders.astronaut_jpeg())).status_code == 302  # the first try was not counted


def test_phones_may_send_what_they_write() -> None:
    form = PhotoForm()
    for kind in ("jpeg", "png", "webp", "heic"):
        assert f"image/{kind}" in str(form["photo"])
    assert "HEIC" in form.fields["photo"].help_text
