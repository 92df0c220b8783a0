"""Every fault of a photo is answered on the same page, with what to do about it."""

from collections.abc import Callable
from io import BytesIO
from unittest.mock import Mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from matching.errors import PhotoRejected
from matching.photos.decoder_pool import TooLate
from matching.types import PhotoFault
from portal.cases.models import Route
from portal.core.uploads import LARGEST_UPLOAD
from portal.residents import photo_faults
from tests import builders
from tests.matching.conftest import package_folder

pytestmark = pytest.mark.models


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def two_astronauts() -> bytes:
    one = Image.open(BytesIO(builders.astronaut_jpeg()))
    both = Image.new("RGB", (1024, 512))
    both.paste(one, (0, 0))
    both.paste(one, (512, 0))
    return encoded(both)


def animation() -> bytes:
    frames = [Image.new("RGB", (200, 200), colour) for colour in ("red", "blue")]
    return encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:])


def somebody_else() -> bytes:
    """An actor whose portrait comes with InsightFace."""
    return next((package_folder("insightface") / "data" / "images").glob("Tom_Hanks*")).read_bytes()


def damaged() -> bytes:
    photo = bytearray(encoded(Image.open(BytesIO(builders.astronaut_jpeg())), "PNG"))
    photo[5_000:6_000] = bytes(1_000)
    return bytes(photo)


BAD: dict[PhotoFault, Callable[[], bytes]] = {
    PhotoFault.NOT_AN_IMAGE: lambda: b"%PDF-1.7 no photo at all",
    PhotoFault.UNSUPPORTED: lambda: encoded(Image.new("RGB", (200, 200)), "BMP"),
    PhotoFault.ANIMATED: animation,
    PhotoFault.TRUNCATED: lambda: builders.astronaut_jpeg()[:9000],
    PhotoFault.DAMAGED: damaged,
    PhotoFault.TRANSPARENT: lambda: encoded(Image.new("RGBA", (200, 200)), "PNG"),
    PhotoFault.TOO_SMALL: lambda: encoded(Image.new("RGB", (20, 20))),
    PhotoFault.TOO_BIG: lambda: b"\xff\xd8" + bytes(LARGEST_UPLOAD),
    PhotoFault.TOO_MANY_PIXELS: lambda: encoded(Image.new("L", (9000, 9000)), "PNG"),
    PhotoFault.NO_FACE: lambda: encoded(Image.new("RGB", (400, 400), "grey")),
    PhotoFault.SEVERAL_FACES: two_astronauts,
    PhotoFault.PERHAPS_SEVERAL: lambda: encoded(Image.new("RGB", (400, 100), "grey")),
    PhotoFault.ANOTHER_FACE: somebody_else,
    PhotoFault.TOO_MUCH_WORK: lambda: encoded(Image.new("RGB", (400, 100), "grey")),
    PhotoFault.UNEXAMINED: lambda: encoded(Image.new("RGB", (400, 100), "grey")),
}
# What no photo that we know brings about is brought about by these.
STAGED: dict[PhotoFault, tuple[str, Exception | type[Exception]]] = {
    PhotoFault.PERHAPS_SEVERAL: ("matching.faces.find_faces.only_face", PhotoRejected(PhotoFault.PERHAPS_SEVERAL)),
    PhotoFault.TOO_MUCH_WORK: ("matching.photos.decoder_pool.Child.decode", TooLate),
    PhotoFault.UNEXAMINED: ("matching.faces.packs.Engine.detect", RuntimeError),
}


def test_it_has_a_sentence_for_each_fault() -> None:
    assert set(photo_faults.SENTENCES) == set(PhotoFault) == set(BAD)


@pytest.mark.django_db
@pytest.mark.parametrize("fault", PhotoFault)
def test_it_says_what_to_do_and_keeps_the_earlier_photo(fault: PhotoFault, monkeypatch: pytest.MonkeyPatch) -> None:
    case = builders.make_case(route=Route.PHOTO)
    ana = builders.session_of(case)
    earlier = [bytes(photo.sealed) for photo in case.photos.all()]
    if fault in STAGED:
        monkeypatch.setattr(STAGED[fault][0], Mock(side_effect=STAGED[fault][1]))
    page = ana.post("/en/request/photo/", {"photo": SimpleUploadedFile("x.jpg", BAD[fault]())})
    assert f'<a href="#id_photo">{photo_faults.SENTENCES[fault]}</a>' in page.content.decode()
    assert [bytes(photo.sealed) for photo in case.photos.all()] == earlier


@pytest.mark.django_db
def test_it_asks_for_a_photo_when_none_was_chosen() -> None:
    ana = builders.session_of(builders.make_case(route=Route.PHOTO))
    assert "Choose a photo of your face." in ana.post("/en/request/photo/").content.decode()
