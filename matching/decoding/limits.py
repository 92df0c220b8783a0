"""What is taken of a photo, from whom. Imports nothing: the child that decodes reads it too."""

from dataclasses import dataclass

MEGABYTE = MEGAPIXEL = 1_000_000


@dataclass(frozen=True)
class Limits:
    formats: tuple[str, ...]  # Pillow's parsers; no other ever sees the bytes
    longest: int  # bytes
    pixels: int
    reduced_pixels: int  # of a JPEG, which can be decoded at a fraction of its size
    shortest_side: int
    animated: bool  # whether a moving picture is taken, by its first frame
    memory: int  # bytes of address space of the process that decodes it, its programs included
    seconds: float  # by the wall's clock, from the first byte sent to the last pixel received


# Pillow's JPEG parser also takes MPO, which many phones write into a .jpg: the photo, then a preview or depth map.
SELFIE = Limits(
    ("JPEG", "PNG", "WEBP", "HEIF"),
    longest=10 * MEGABYTE,
    pixels=25 * MEGAPIXEL,  # phones take 5,712 by 4,284 unless told otherwise
    reduced_pixels=25 * MEGAPIXEL,
    shortest_side=64,
    animated=False,
    memory=768 * MEGABYTE,
    seconds=4,
)
# A scraper takes what it finds; being picky here would leave faces in the store but out of the index.
HARVEST = Limits(
    ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "GIF", "BMP", "TIFF"),
    longest=50 * MEGABYTE,
    pixels=65 * MEGAPIXEL,  # phones take 9,248 by 6,936
    reduced_pixels=200 * MEGAPIXEL,  # the most that phones take
    shortest_side=24,
    animated=True,
    memory=1536 * MEGABYTE,
    seconds=20,
)
