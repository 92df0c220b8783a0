"""What a photo page refuses before it looks at a photo: too large a request, and one photo after another."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from matching.types import PhotoFault
from portal.cases.models import Case, Route
from portal.core import clock
from portal.core.uploads import LARGEST_REQUEST
from portal.policies import budgets
from portal.residents import photo_faults
from tests import builders

pytestmark = pytest.mark.models

PAGE = "/en/request/photo/"
TOO_BIG = str(photo_faults.SENTENCES[PhotoFault.TOO_BIG])
TOO_MANY = "You have sent as many photos as we may check for now."


@pytest.fixture
def case(db: None) -> Case:
    return builders.make_case(route=Route.PHOTO)


def photo(content: bytes = b"no photo") -> dict[str, SimpleUploadedFile]:
    return {"photo": SimpleUploadedFile("x.jpg", content)}


def test_it_says_that_a_far_too_large_file_is_too_big(case: Case) -> None:
    page = builders.session_of(case).post(PAGE, photo(bytes(LARGEST_REQUEST)))
    assert page.status_code == 413
    assert f'<a href="#id_photo">{TOO_BIG}</a>' in page.content.decode()
    assert "Choose a photo of your face." not in page.content.decode()


@pytest.mark.parametrize("path", ["/en/request/place/", "/en/staff/sign-in/", "/en/status/", "/en/withdraw/"])
def test_it_refuses_a_far_too_large_request_on_every_other_page(path: str, db: None) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.get("/en/status/")  # without its cookie nobody gets as far as the body
    page = browser.post(path, photo(bytes(LARGEST_REQUEST)))
    assert page.status_code == 400
    assert "We did not understand that" in page.content.decode()


def test_it_still_asks_for_the_token_of_the_form(case: Case) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = builders.session_of(case).cookies
    assert browser.post(PAGE, photo(builders.astronaut_jpeg())).status_code == 403


def test_it_checks_no_more_than_so_many_photos_an_hour(case: Case) -> None:
    ana = builders.session_of(case)
    for _ in range(budgets.PHOTOS.most):
        assert TOO_MANY not in ana.post(PAGE, photo()).content.decode()
    refused = ana.post(PAGE, photo(builders.astronaut_jpeg()))
    assert f'<a href="#id_photo">{TOO_MANY}' in refused.content.decode()
    clock.move(timedelta(hours=1, seconds=1))
    assert ana.post(PAGE, photo(builders.astronaut_jpeg())).headers["Location"] == "/en/request/check/"


def test_the_photos_of_one_case_are_not_counted_for_another(case: Case) -> None:
    ana, bo = builders.session_of(case), builders.session_of(builders.make_case(route=Route.PHOTO))
    for _ in range(budgets.PHOTOS.most):
        ana.post(PAGE, photo())
    assert TOO_MANY not in bo.post(PAGE, photo()).content.decode()
