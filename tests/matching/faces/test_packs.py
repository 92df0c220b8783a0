"""A pack is used only when its files are what they should be; what is wrong is one sentence."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import Settings

from matching import service
from matching.errors import PackError
from matching.faces import packs
from tests.matching.conftest import set_matching

# The version of its format is all that these models say.
DETECTOR, RECOGNISER = b"\x08\x07", b"\x08\x08"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "own_pack"
    made.mkdir()
    (made / "det_any.onnx").write_bytes(DETECTOR)
    (made / "w600k_any.onnx").write_bytes(RECOGNISER)
    return made


def test_dlib_never_needs_its_68_point_file(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
    packs.dlib_pack()
    models = [name for name in opened if name.endswith(".dat")]
    assert len(models) == 2
    assert not any("68" in name for name in models)
    assert "face_recognition_models" not in sys.modules


def test_a_changed_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "face_recognition_models"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").touch()
    for name in packs.DLIB_FILES:
        (package / "models" / name).write_bytes(b"something else")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(PackError, match="is not the one that was expected"):
        packs.dlib_pack()


def test_a_folder_is_a_pack_by_the_names_of_its_files(folder: Path, settings: Settings) -> None:
    set_matching(settings, PACK=str(folder))
    info = service.pack()
    assert (info.name, info.engine, info.dim, info.commercial) == ("own_pack", "insightface", 512, False)
    assert "non-commercial" in info.licence


def test_a_named_pack_is_looked_for_where_packs_are_kept(folder: Path) -> None:
    assert packs.named("own_pack", folder.parent, trusting=True).recogniser == folder / "w600k_any.onnx"


def test_a_manifest_decides_and_pins(folder: Path) -> None:
    write_manifest(folder, sha256=hashlib.sha256(RECOGNISER).hexdigest())
    pack = packs.insightface_pack(str(folder), folder.parent, trusting=True)
    assert (pack.info.name, pack.info.dim) == ("acme-1", 256)
    write_manifest(folder, sha256="0" * 64)
    with pytest.raises(PackError, match=r"w600k_any\.onnx is not the one that was expected"):
        packs.insightface_pack(str(folder), folder.parent, trusting=True)


def write_manifest(folder: Path, *, sha256: str) -> None:
    tasks: dict[str, Any] = {
        "detection": {"file": "det_any.onnx"},
        "recognition": {"file": "w600k_any.onnx", "sha256": sha256, "embedding_dimension": 256},
    }
    manifest = {"manifest_version": 2, "model_id": "acme-1", "license": "LICENSE", "tasks": tasks}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_two_recognisers_need_a_manifest(folder: Path) -> None:
    (folder / "another.onnx").touch()
    with pytest.raises(PackError, match="one detector and one recogniser, or a manifest"):
        packs.insightface_pack(str(folder), folder.parent)


def test_an_absent_pack_says_what_to_do(settings: Settings, tmp_path: Path) -> None:
    set_matching(settings, PACK="buffalo_x", PACKS_FOLDER=str(tmp_path))
    with pytest.raises(PackError, match="There is no face pack buffalo_x"):
        service.pack()


def test_nothing_is_downloaded_before_its_licence_is_accepted(settings: Settings, tmp_path: Path) -> None:
    set_matching(settings, PACK="buffalo_x", PACKS_FOLDER=str(tmp_path))
    with pytest.raises(PackError, match="ACCEPT_PACK_LICENCE=1"):
        service.fetch_pack()
    assert not list(tmp_path.glob("*buffalo*"))
