"""Where, when and with what a photo was taken is in nothing that is kept or shown (threat 5)."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from matching import service
from matching.models import HarvestedImage
from tests.matching import builders

pytestmark = pytest.mark.models

MARKER = b"48.8583N-2.2944E"


def exif() -> bytes:
    made = Image.Exif()
    made[0x010F] = MARKER.decode()  # maker
    made.get_ifd(0x8825)[0x001D] = MARKER.decode()  # GPS date
    made.get_ifd(0x8769)[0x9286] = MARKER  # comment
    return made.tobytes()


def profile() -> bytes:
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    return bytes(made) + MARKER


XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + MARKER + b"</x:xmpmeta>"


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body


def jpeg(picture: Image.Image) -> bytes:
    plain = saved(picture, "JPEG", exif=exif(), icc_profile=profile(), comment=MARKER, xmp=XMP)
    iptc = segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x18\x1c\x02\x19\0\x10" + MARKER)
    return plain[:2] + iptc + plain[2:-2] + b"\xff\xd9" + MARKER


def png(picture: Image.Image) -> bytes:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", MARKER.decode())
    notes.add_itxt("XML:com.adobe.xmp", XMP.decode())
    notes.add(b"prVt", MARKER)
    return saved(picture, "PNG", pnginfo=notes, exif=exif(), icc_profile=profile())


def webp(picture: Image.Image) -> bytes:
    return saved(picture, "WEBP", quality=90, exif=exif(), icc_profile=profile(), xmp=XMP)


def heic(picture: Image.Image) -> bytes:
    pillow_heif.register_heif_opener()
    return saved(picture, "HEIF", quality=90, exif=exif(), xmp=XMP)


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


KINDS: list[Callable[[Image.Image], bytes]] = [jpeg, png, webp, heic]


@pytest.fixture(params=KINDS)
def marked(request: pytest.FixtureRequest, astronaut: Path) -> bytes:
    content: bytes = request.param(Image.open(astronaut).convert("RGB"))
    assert content.count(MARKER) >= 3
    return content


def assert_clean(shown: bytes) -> None:
    assert MARKER not in shown
    picture = Image.open(io.BytesIO(shown))
    assert picture.format == "JPEG"
    assert not picture.getexif()
    assert not {"exif", "xmp", "icc_profile", "comment", "photoshop"} & set(picture.info)
    assert shown.endswith(b"\xff\xd9")


def test_a_selfie_is_kept_without_it(marked: bytes) -> None:
    assert_clean(service.read_selfie(marked).jpeg)


@pytest.mark.django_db
def test_what_is_derived_from_a_harvested_photo_and_shown_has_none(
    marked: bytes, own_store: Path, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    file = tmp_path / "in" / "Ana at home.jpg"
    file.write_bytes(marked)
    service.harvest([builders.entry(file, page="https://harvest.example/p")])
    image = HarvestedImage.objects.get()
    preview = service.preview(image.id, None, clear=False)
    assert preview is not None
    assert_clean(preview)
    derived = [path.read_bytes() for path in files(own_store / "derived")]
    assert derived
    for content in derived:
        assert_clean(content)
    assert not [path for path in files(own_store) if "Ana" in str(path.relative_to(own_store))]


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
