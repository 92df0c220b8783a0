"""A case may have several photos, all of one person; each can be seen and taken back, without JavaScript."""

import re
from dataclasses import replace
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image, ImageFilter

from matching import service
from matching.types import Flaw, PhotoFault
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.cases import actions, personal
from portal.cases.models import Case, ProbeKind, Route
from portal.cases.states import State
from portal.policies.assurance import Proof
from portal.residents import photo_faults
from tests import builders
from tests.matching.builders import unit_rows
from tests.residents.test_photo_faults import somebody_else

PAGE = "/en/request/photo/"
pytestmark = [pytest.mark.django_db, pytest.mark.models]


@pytest.fixture
def case() -> Case:
    return builders.make_case(route=Route.PHOTO)


@pytest.fixture
def ana(case: Case) -> Client:
    return builders.session_of(case)


def upload(content: bytes, **more: str) -> dict[str, object]:
    return {"photo": SimpleUploadedFile("me.jpg", content), **more}


def blurred() -> bytes:
    out = BytesIO()
    Image.open(BytesIO(builders.astronaut_jpeg())).filter(ImageFilter.GaussianBlur(2.6)).save(out, "JPEG")
    return out.getvalue()


def numbers(case: Case) -> list[int]:
    return list(case.photos.values_list("number", flat=True))


def test_it_takes_two_photos_and_searches_with_both(case: Case, ana: Client) -> None:
    added = ana.post(PAGE, upload(builders.astronaut_jpeg(size=300), another="1"))
    assert added.headers["Location"] == PAGE
    page = ana.get(PAGE).content.decode()
    for number in numbers(case):
        assert f'src="/en/request/own-photo/{number}/"' in page
        assert f'action="/en/request/photo/{number}/remove/"' in page
    assert len(personal.probes(case)) == 2
    checked = ana.get("/en/request/check/").content.decode()
    assert len(re.findall(r"/en/request/own-photo/\d+/", checked)) == 2
    assert ana.post("/en/request/check/").headers["Location"] == "/en/request/done/"


def test_it_leads_on_with_one_photo_alone(case: Case, ana: Client) -> None:
    assert ana.post(PAGE, upload(builders.astronaut_jpeg())).headers["Location"] == "/en/request/check/"


def test_a_photo_taken_back_is_gone_with_what_was_computed_from_it(case: Case, ana: Client) -> None:
    ana.post(PAGE, upload(builders.astronaut_jpeg(size=300)))
    first, second = numbers(case)
    assert ana.post(f"{PAGE}{first}/remove/").headers["Location"] == PAGE
    assert numbers(case) == [second]
    assert list(case.probes.values_list("photo__number", flat=True)) == [second]
    ana.post(f"{PAGE}{second}/remove/")
    case.refresh_from_db()
    assert (case.proof, case.probes.count()) == (Proof.CONTACT, 0)
    assert ana.post("/en/request/check/").headers["Location"] == PAGE
    assert Entry.objects.filter(tag=Tag.PHOTO_DESTROYED, about=str(case.code)).count() == 2


def test_another_persons_photo_is_neither_removed_nor_shown(case: Case, bo: Client) -> None:
    (number,) = numbers(case)
    bo.post(f"{PAGE}{number}/remove/")
    assert numbers(case) == [number]
    assert bo.get(f"/en/request/own-photo/{number}/").status_code == 404


def test_removing_takes_a_post_and_a_draft(case: Case, ana: Client) -> None:
    (number,) = numbers(case)
    assert ana.get(f"{PAGE}{number}/remove/").status_code == 405
    actions.submit(case)
    assert ana.post(f"{PAGE}{number}/remove/").headers["Location"] == "/en/status/case/"
    assert numbers(case) == [number]


def test_a_photo_of_somebody_else_is_asked_about_and_not_used(case: Case, ana: Client) -> None:
    other = somebody_else()
    assert service.read_selfie(other).probes.shape == (1, 128)
    answer = ana.post(PAGE, upload(other))
    assert answer.status_code == 422
    assert str(photo_faults.SENTENCES[PhotoFault.ANOTHER_FACE]) in answer.content.decode()
    assert case.photos.count() == 1
    assert case.probes.filter(kind=ProbeKind.OWN).count() == 1


@pytest.fixture
def read_with_another_pack(case: Case) -> None:
    """The photo of the draft was read before PACK was changed: its embedding has another length."""
    seen = service.read_selfie(builders.astronaut_jpeg())
    longer = unit_rows(1, dim=512)
    personal.keep_probes(case.photos.get(), replace(seen, probes=longer, mirrored=longer[:0], pack="another"))


@pytest.mark.usefixtures("read_with_another_pack")
def test_photos_read_with_two_packs_are_compared_with_one(case: Case, ana: Client) -> None:
    assert ana.post(PAGE, upload(somebody_else())).status_code == 422
    assert ana.post(PAGE, upload(builders.astronaut_jpeg(size=300), another="1")).status_code == 302
    assert set(case.probes.values_list("pack", flat=True)) == {service.pack().name}
    assert personal.probes(case).shape == (2, 128)


def test_no_more_than_five_are_taken(case: Case, ana: Client) -> None:
    selfie = service.read_selfie(builders.astronaut_jpeg())
    while case.photos.count() < actions.MOST_PHOTOS:
        personal.keep_photo(case, selfie)
    assert 'type="file"' not in ana.get(PAGE).content.decode()
    answer = ana.post(PAGE, upload(builders.astronaut_jpeg()))
    assert answer.status_code == 422
    assert case.photos.count() == actions.MOST_PHOTOS


def test_a_poor_photo_is_used_and_says_what_would_be_better() -> None:
    case = builders.make_case(route=Route.PHOTO, photo=blurred())
    ana = builders.session_of(case)
    assert case.photos.get().flaw == Flaw.BLURRED
    for page in (PAGE, "/en/request/check/"):
        assert str(photo_faults.ADVICE[Flaw.BLURRED]) in ana.get(page).content.decode()
    added = ana.post(PAGE, upload(blurred()), follow=True)
    assert "This photo is blurred." in added.content.decode()
    actions.submit(case)
    assert Case.objects.get(pk=case.pk).state == State.RECEIVED


def test_each_flaw_has_its_advice() -> None:
    assert set(photo_faults.ADVICE) == set(Flaw)
