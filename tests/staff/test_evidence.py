"""Pictures: pixelated until unlocked, one entry in the trail for each that is shown, none kept on the way."""

from datetime import timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from django.test import Client
from PIL import Image

from matching import service
from matching.types import Pixels
from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.cases import decisions, forget, personal
from portal.cases.models import Band, Case, Match, Route, Search
from portal.cases.states import State
from portal.core import clock
from portal.policies import budgets
from tests.builders import assign, astronaut_jpeg, harvest, make_case, signed_in
from tests.staff.build import reviewed, unlock

pytestmark = pytest.mark.models


@pytest.fixture
def case(tmp_path: Path, db: None) -> Case:
    """A case with a photo and one match that really is in the index."""
    harvest(tmp_path, {"ana.jpg": astronaut_jpeg()})
    case = assign(make_case(State.REVIEW, route=Route.PHOTO))
    result = service.search(personal.probes(case))
    found, used = result.matches[0], result.thresholds
    search = Search.objects.create(
        case=case,
        searched_at=clock.now(),
        pack=used.pack,
        certain_from=used.certain,
        probable_from=used.probable,
        index_size=used.index_size,
        basis=used.basis,
    )
    row = Match(case=case, image_id=found.image_id, face_id=found.face_id, band=Band.CERTAIN, search=search)
    row.similarity = found.similarity
    row.save()
    return case


def address(match: Match) -> str:
    return f"/en/staff/cases/{match.case_id}/matches/{match.pk}/image/"


def seen(tag: Tag) -> int:
    return Entry.objects.filter(tag=tag).count()


def pixels(jpeg: bytes) -> Pixels:
    return np.asarray(Image.open(BytesIO(jpeg)).convert("RGB").resize((256, 256)))


def test_each_view_of_a_case_is_one_entry(sam: User, sam_client: Client) -> None:
    case = reviewed(certain=2)
    sam_client.get(f"/en/staff/cases/{case.code}/")
    entry = Entry.objects.get(tag=Tag.CASE_VIEWED)
    assert (entry.actor, entry.about) == (sam.pk, str(case.code))
    sam_client.get(f"/en/staff/cases/{case.code}/approve/")
    assert seen(Tag.CASE_VIEWED) == 2


def test_a_match_is_shown_once_unlocked_its_face_alone_and_each_view_recorded(
    case: Case, sam: User, sam_client: Client
) -> None:
    match = case.matches.get()
    assert sam_client.get(address(match)).status_code == 404
    assert seen(Tag.MATCH_VIEWED) == 0
    decisions.unlock(case, by=sam, purpose="compare")
    clear = sam_client.get(address(match))
    assert [entry.detail["clear"] for entry in Entry.objects.filter(tag=Tag.MATCH_VIEWED)] == [True]
    pixelated = service.preview(match.image_id, match.face_id, clear=False)
    assert pixelated is not None
    # The face lies in the upper middle: sharp edges there only once it is clear.
    face = slice(30, 110), slice(85, 150)
    edges = [np.abs(np.diff(pixels(jpeg)[face].astype(int), axis=0)).mean() for jpeg in (pixelated, clear.content)]
    assert edges[1] > 1.5 * edges[0]


def test_pictures_are_kept_nowhere_on_the_way(case: Case, sam_client: Client) -> None:
    unlock(sam_client, case)
    answer = sam_client.get(address(case.matches.get()))
    assert answer["Content-Type"] == "image/jpeg"
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_the_subjects_photo_is_locked_and_each_view_recorded(case: Case, sam: User, sam_client: Client) -> None:
    photo = f"/en/staff/cases/{case.code}/photo/"
    assert sam_client.get(photo).status_code == 404
    assert seen(Tag.PHOTO_VIEWED) == 0
    decisions.unlock(case, by=sam, purpose="compare")
    assert sam_client.get(photo).status_code == 200
    assert seen(Tag.PHOTO_VIEWED) == 1
    forget.photos(case)
    assert sam_client.get(photo).status_code == 404


def test_an_unlock_is_for_one_person_one_case_and_a_quarter_of_an_hour(
    case: Case, sam: User, sam_client: Client, lee_client: Client
) -> None:
    photo = f"/en/staff/cases/{case.code}/photo/"
    decisions.unlock(reviewed(certain=1), by=sam, purpose="compare")
    assert sam_client.get(photo).status_code == 404
    decisions.unlock(case, by=sam, purpose="compare")
    assert lee_client.get(photo).status_code == 404
    clock.move(budgets.UNLOCKED_FOR + timedelta(seconds=1))
    assert sam_client.get(photo).status_code == 404


def test_a_match_belongs_to_its_own_case(sam_client: Client) -> None:
    one, other = reviewed(certain=1), reviewed(certain=1)
    match = one.matches.get()
    assert sam_client.get(f"/en/staff/cases/{other.code}/matches/{match.pk}/image/").status_code == 404
    assert seen(Tag.MATCH_VIEWED) == 0


def test_unlocking_needs_a_purpose_and_comes_back(sam_client: Client) -> None:
    case = reviewed(certain=1)
    page, back = f"/en/staff/cases/{case.code}/unlock/", f"/en/staff/cases/{case.code}/approve/"
    missing = sam_client.post(page, {"next": back})
    assert "Choose a purpose" in missing.content.decode()
    assert seen(Tag.CASE_UNLOCKED) == 0
    assert sam_client.post(page, {"purpose": "compare", "next": back})["Location"] == back
    assert Entry.objects.get(tag=Tag.CASE_UNLOCKED).detail["purpose"] == "compare"
    away = sam_client.post(page, {"purpose": "compare", "next": "https://evil.example/"})
    assert away["Location"] == f"/en/staff/cases/{case.code}/"


def test_where_a_face_was_found_is_shown_only_once_unlocked(case: Case, sam_client: Client) -> None:
    personal_to_the_match = ("photos.example", "2026-03-14", "Similarity", "staff-meter")
    Match.objects.update(band=Band.PROBABLE)
    pages = [f"/en/staff/cases/{case.code}/", f"/en/staff/cases/{case.code}/decide/"]
    for page in pages:
        locked = sam_client.get(page, follow=True).content.decode()
        assert "Probable" not in locked
        assert "What was found is shown once you unlock the case" in locked
        assert not [text for text in personal_to_the_match if text in locked]
    unlock(sam_client, case)
    for page in pages:
        clear = sam_client.get(page).content.decode()
        assert all(text in clear for text in personal_to_the_match)


def test_one_person_unlocks_only_so_often_a_day(sam: User, sam_client: Client, lee_client: Client) -> None:
    case = reviewed(certain=1)
    for _ in range(budgets.UNLOCKS.most):
        unlock(sam_client, case)
    assert seen(Tag.CASE_UNLOCKED) == budgets.UNLOCKS.most
    page = sam_client.post(f"/en/staff/cases/{case.code}/unlock/", {"purpose": "second"}).content.decode()
    assert "Ask a colleague to go on with this case" in page
    assert 'value="second" checked' in page
    assert seen(Tag.CASE_UNLOCKED) == budgets.UNLOCKS.most
    unlock(lee_client, case)
    clock.move(timedelta(days=1, seconds=1))
    unlock(signed_in(sam), case)
    assert seen(Tag.CASE_UNLOCKED) == budgets.UNLOCKS.most + 2
