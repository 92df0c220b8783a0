"""A photo of thousands of faces costs no more than one of none (threat 6)."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from matching.photos import decoder_pool

SECONDS, MEMORY = 5, 512 * 1024**2
SIDE = 5000  # 25 megapixels, the most that a selfie may have

MEASURED = """
import resource, sys, time
import django
django.setup()
from matching.decoding.limits import SELFIE
from matching.errors import PhotoRejected
from matching.faces import find_faces, packs
from matching.photos import decoder_pool
find_faces.read_selfie(open(sys.argv[1], "rb").read(), packs.dlib_pack())  # what is loaded once is not the collage's
for name in sys.argv[2:]:
    begun = time.process_time()
    try:
        find_faces.read_selfie(open(name, "rb").read(), packs.dlib_pack())
    except PhotoRejected as rejected:
        print(rejected.fault, time.process_time() - begun)
(child,) = decoder_pool.of(SELFIE).pids()
# Of this program alone: what getrusage calls the peak includes that of whoever started it.
peaks = [line.split()[1] for who in ("self", child) for line in open(f"/proc/{who}/status") if line.startswith("VmHWM")]
decoder_pool.stop()
children = resource.getrusage(resource.RUSAGE_CHILDREN)
print(children.ru_utime + children.ru_stime, *peaks)
"""


def collage(face: Image.Image, *, across: int) -> Image.Image:
    small = np.asarray(face.resize((SIDE // across, SIDE // across)))
    return Image.fromarray(np.tile(small, (across, across, 1)))


@pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc")
def test_a_collage_is_turned_away_within_its_share_of_time_and_memory(astronaut: Path, tmp_path: Path) -> None:
    whole = Image.open(astronaut).convert("RGB")
    face = whole.crop((160, 50, 290, 210))
    photos = {"one": whole, "large": collage(face, across=14), "too small to be seen": collage(face, across=60)}
    for name, picture in photos.items():
        picture.save(tmp_path / name, "JPEG", quality=80)
    command = [sys.executable, "-c", MEASURED, *(str(tmp_path / name) for name in photos)]
    done = subprocess.run(command, cwd=decoder_pool.ROOT, capture_output=True, text=True, check=True)
    large, small, spent = (line.split() for line in done.stdout.splitlines())
    assert (large[0], small[0]) == ("several_faces", "no_face")
    in_child, own_peak, childs_peak = float(spent[0]), int(spent[1]) * 1024, int(spent[2]) * 1024
    assert max(float(large[1]), float(small[1])) + in_child <= SECONDS
    assert own_peak + childs_peak <= MEMORY
