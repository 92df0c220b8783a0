"""The demo's photos: pictures that installed packages ship, and fixed variants of one of them, the NASA astronaut."""

import csv
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from importlib.resources import files
from io import BytesIO
from itertools import cycle
from pathlib import Path
from urllib.parse import quote

from PIL import Image, ImageOps

# Where the demo pretends to have found them.
SUBJECT = "astronaut"
SELFIE = f"{SUBJECT}/selfie.jpg"
_HARVESTED_ON = date(2026, 3, 14)
# EXIF tag 0x0112; 6: the camera was turned, so that the picture is upright after a turn by 90° clockwise.
_ORIENTATION, _TURNED = 0x0112, 6

Variant = Callable[[Image.Image], bytes]


def _jpeg(image: Image.Image, *, quality: int = 90, exif: Image.Exif | None = None) -> bytes:
    file = BytesIO()
    image.save(file, "JPEG", quality=quality, **({"exif": exif} if exif else {}))
    return file.getvalue()


def _turned_by_exif(image: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[_ORIENTATION] = _TURNED
    return _jpeg(image.transpose(Image.Transpose.ROTATE_90), exif=exif)


VARIANTS: dict[str, Variant] = {
    "half-size.jpg": lambda image: _jpeg(image.resize((256, 256), Image.Resampling.LANCZOS)),
    "quarter-size.jpg": lambda image: _jpeg(image.resize((128, 128), Image.Resampling.LANCZOS)),
    "mirrored.jpg": lambda image: _jpeg(ImageOps.mirror(image)),
    "turned-by-exif.jpg": _turned_by_exif,
    "quality-30.jpg": lambda image: _jpeg(image, quality=30),
    "tight-crop.jpg": lambda image: _jpeg(image.crop((160, 50, 290, 210))),
}
# Other people and no people, from the packages' own data.
_OTHERS: dict[str, tuple[str, str]] = {
    "others/six-people.jpg": ("insightface.data", "images/t1.jpg"),
    "others/portrait.png": ("insightface.data", "images/Tom_Hanks_54745.png"),
    "others/coffee.png": ("skimage.data", "coffee.png"),
    "others/cat.png": ("skimage.data", "chelsea.png"),
    "others/rocket.jpg": ("skimage.data", "rocket.jpg"),
}
_SITES = ("photos.example", "club-news.example", "mirror.example")


def write(folder: Path) -> Path:
    """Write the photos and the selfie below `folder`; returns the manifest, which leaves the selfie out."""
    astronaut = Image.open(BytesIO(files("skimage.data").joinpath("astronaut.png").read_bytes())).convert("RGB")
    contents = {f"{SUBJECT}/{name}": variant(astronaut) for name, variant in VARIANTS.items()}
    for name, (package, path) in _OTHERS.items():
        contents[name] = files(package).joinpath(path).read_bytes()
    for name, content in {SELFIE: _jpeg(astronaut), **contents}.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return manifest(folder / "manifest.csv", folder, sorted(contents))


def manifest(file: Path, folder: Path, names: Iterable[str], *, sites: Sequence[str] = _SITES) -> Path:
    """A manifest for `manage.py harvest`; the page of each photo ends in its name, relative to `folder`."""
    with file.open("w", newline="", encoding="utf-8") as rows:
        writer = csv.writer(rows)
        writer.writerow(["file", "page", "site", "harvested_on", "country"])
        for name, site in zip(names, cycle(sites), strict=False):
            writer.writerow([folder / name, page(name, site=site), site, _HARVESTED_ON, "CA"])
    return file


def page(name: str, *, site: str) -> str:
    return f"https://{site}/{quote(name)}"
