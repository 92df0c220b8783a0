"""Model files: what is loaded is what was checked, byte for byte, and no other file is read along with it."""

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from matching.errors import PackError
from matching.faces import onnx_files

# Of the packs that InsightFace publishes, as many independent users of them report; and of the files that the
# shipped calibrations were measured with.
KNOWN = {
    "5e4447f50245bbd7966bd6c0fa52938c61474a04ec7def48753668a9d8b4ea3a": "buffalo_s, buffalo_sc: det_500m.onnx",
    "9cc6e4a75f0e2bf0b1aed94578f144d15175f357bdc05e815e5c4a02b319eb4f": "buffalo_s, buffalo_sc: w600k_mbf.onnx",
    "48b92178a763f259abaf16dc71c88517ce3ace44a4ff706c0b0bfbae4fa47bc2": "the same, rebuilt from its INT8 export",
    "5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91": "buffalo_l, antelopev2: the 10G detector",
    "4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43": "buffalo_l: w600k_r50.onnx",
    "4ab1d6435d639628a6f3e5008dd4f929edf4c4124b1a7169e1048f9fef534cdf": "antelopev2: glintr100.onnx",
    "4eed38f0bde33c9b805942a5f25e42ce1161e2bda545254be622be957727794e": "MiniFASNetV2.onnx",
    "d819a69bac6b9ade2a0f4d9b60b618e1260f7bf3ba1fddff6c5d82131cb1083f": "MiniFASNetV1SE.onnx",
}


@dataclass(frozen=True)
class ModelFile:
    path: Path
    sha256: str

    def content(self) -> bytes:
        """The bytes, read once and checked. Errors: PackError."""
        content = read(self.path)
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise PackError(f"The file {self.path.name} changed while the portal was starting.")
        return content


def checked(path: Path, *, expected: str = "") -> ModelFile:
    """The file as it is now; with `expected`, only if it has that SHA-256. Errors: PackError."""
    content = read(path)
    digest = hashlib.sha256(content).hexdigest()
    if expected and digest != expected:
        raise PackError(f"The file {path.name} is not the one that was expected: its SHA-256 is {digest}.")
    if path.suffix == ".onnx":
        onnx_files.refuse_external_data(path.name, content)
    return ModelFile(path, digest)


def read(path: Path) -> bytes:
    """A link could lead elsewhere tomorrow, and what has a second name can be changed under that. Errors: PackError."""
    if path.is_symlink():
        raise PackError(f"The file {path.name} is a symbolic link: put the file itself there.")
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(opened, "rb") as file:  # noqa: PTH123  (a descriptor, not a path)
            status = os.fstat(opened)
            if not stat.S_ISREG(status.st_mode):
                raise PackError(f"{path.name} is no file.")
            if status.st_nlink > 1:
                raise PackError(f"The file {path.name} has a second name (a hard link): put a copy there.")
            return file.read()
    except OSError:
        raise PackError(f"The model file {path.name} cannot be read.") from None


@contextmanager
def private_copies(files: Mapping[str, ModelFile], *, others: Mapping[str, bytes] | None = None) -> Iterator[Path]:
    """A folder with the checked bytes under these names, for loaders that take a path; gone afterwards.

    Nobody but this user can reach it, so nothing can be exchanged between the check and the loading.
    """
    with tempfile.TemporaryDirectory(prefix="pack-") as folder:
        for name, content in {**{name: file.content() for name, file in files.items()}, **(others or {})}.items():
            (Path(folder) / name).write_bytes(content)
        yield Path(folder)
