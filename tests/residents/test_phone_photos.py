"""What the camera of a phone writes unless told otherwise is taken, and the page says beforehand what is not."""

from io import BytesIO

import pillow_heif
import pytest
import skimage.data
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from matching.decoding.limits import SELFIE
from matching.types import PhotoFault
from portal.cases.models import Route
from portal.residents import photo_faults
from portal.residents.forms import PhotoForm
from tests import builders

pytestmark = pytest.mark.models

PAGE = "/en/request/photo/"
IPHONE = (5712, 4284)  # 24.47 megapixels

pillow_heif.register_heif_opener()


@pytest.fixture
def ana(db: None) -> Client:
    return builders.session_of(builders.make_case(route=Route.PHOTO))


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "options"), [("HEIF", {"quality": 30, "enc_params": {"preset": "ultrafast"}}), ("JPEG", {"quality": 80})]
)
def test_the_default_photo_of_an_iphone_is_taken(ana: Client, kind: str, options: dict[str, object]) -> None:
    photo = encoded(Image.fromarray(skimage.data.astronaut()).resize(IPHONE), kind, **options)
    assert ana.post(PAGE, {"photo": SimpleUploadedFile("IMG_0001", photo)}).status_code == 302


def test_the_page_states_the_limits_before_and_the_message_after(ana: Client) -> None:
    most = f"{SELFIE.pixels // 1_000_000} megapixels"
    longest = f"{SELFIE.longest // 1_000_000} MB"
    assert most in PhotoForm().fields["photo"].help_text
    assert longest in PhotoForm().fields["photo"].help_text
    assert most in str(photo_faults.SENTENCES[PhotoFault.TOO_MANY_PIXELS])
    assert longest in str(photo_faults.SENTENCES[PhotoFault.TOO_BIG])
    one_row_more = encoded(Image.new("1", (5000, 5001)), "PNG")
    answer = ana.post(PAGE, {"photo": SimpleUploadedFile("x.png", one_row_more)})
    assert f"more than {most}" in answer.content.decode()
