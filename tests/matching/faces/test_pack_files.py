"""A pack that was tampered with, or that could be, is not loaded, and the reason is a sentence (threat 20)."""

import json
import os
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import numpy as np
import onnx
import pytest
from django.conf import Settings
from django.core.management import CommandError, call_command
from onnx import TensorProto, helper, numpy_helper

from matching.errors import PackError
from matching.faces import liveness, model_files, onnx_files, packs
from tests.matching.conftest import set_matching


@pytest.fixture
def dlib_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the default pack's models, which the test may spoil."""
    folder = tmp_path / "face_recognition_models" / "models"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    for name in packs.DLIB_FILES:
        shutil.copy(packs.dlib_models() / name, folder / name)
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def link(file: Path) -> None:
    file.rename(file.with_suffix(".real"))
    file.symlink_to(file.with_suffix(".real"))


def hard_link(file: Path) -> None:
    os.link(file, file.with_suffix(".other"))


def make_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


SPOILT: dict[str, tuple[Callable[[Path], None], str]] = {
    "a flipped bit": (flip_a_bit, "is not the one that was expected"),
    "a symbolic link": (link, "is a symbolic link"),
    "a hard link": (hard_link, "has a second name"),
    "a folder": (make_a_folder, "cannot be read|is no file"),
    "nothing": (Path.unlink, "cannot be read"),
}


@pytest.mark.parametrize("what", SPOILT)
@pytest.mark.parametrize("name", packs.DLIB_FILES)
def test_the_default_pack_is_refused_with(what: str, name: str, dlib_files: Path) -> None:
    spoil, sentence = SPOILT[what]
    packs.dlib_pack()
    spoil(dlib_files / name)
    with pytest.raises(PackError, match=sentence):
        packs.dlib_pack()


def test_what_is_exchanged_after_the_check_is_not_loaded(dlib_files: Path) -> None:
    pack = packs.dlib_pack()
    flip_a_bit(pack.recogniser)
    with pytest.raises(PackError, match="changed while the portal was starting"):
        packs.engine.__wrapped__(pack)


def test_what_is_loaded_lies_where_only_this_user_can_change_it(dlib_files: Path) -> None:
    with model_files.private_copies(packs.dlib_pack().files) as folder:
        assert folder.stat().st_mode & 0o077 == 0
        assert {path.name for path in folder.iterdir()} == set(packs.DLIB_FILES)
    assert not folder.exists()


# --- packs in folders ---


@pytest.fixture
def own_pack(tmp_path: Path) -> Path:
    folder = tmp_path / "packs" / "own"
    folder.mkdir(parents=True)
    for name in ("det_any.onnx", "recogniser.onnx"):
        (folder / name).write_bytes(model(np.full(4, len(name), np.float32)).SerializeToString())
    return folder


def named(folder: Path) -> packs.Pack:
    packs.named.cache_clear()
    return packs.named(folder.name, folder.parent)


def test_a_pack_that_nobody_vouches_for_is_not_used(own_pack: Path) -> None:
    with pytest.raises(PackError, match=r"Nobody vouches for det_any\.onnx .* face_pack --pin"):
        named(own_pack)


def test_once_vouched_for_it_is_used_until_it_changes(own_pack: Path) -> None:
    noted = packs.pin(own_pack.name, own_pack.parent)
    assert set(noted.values()) == {"own: det_any.onnx", "own: recogniser.onnx"}
    assert named(own_pack).recogniser_sha256 in noted
    for name in ("det_any.onnx", "recogniser.onnx"):
        kept = (own_pack / name).read_bytes()
        (own_pack / name).write_bytes(model(np.ones(4, np.float32)).SerializeToString())
        with pytest.raises(PackError, match=f"Nobody vouches for {name}"):
            named(own_pack)
        (own_pack / name).write_bytes(kept)


@pytest.mark.parametrize("what", ["a symbolic link", "a hard link"])
def test_links_are_refused_even_to_what_was_vouched_for(what: str, own_pack: Path) -> None:
    packs.pin(own_pack.name, own_pack.parent)
    spoil, sentence = SPOILT[what]
    spoil(own_pack / "recogniser.onnx")
    with pytest.raises(PackError, match=sentence):
        named(own_pack)


def test_a_manifest_cannot_lead_out_of_its_folder(own_pack: Path) -> None:
    tasks = {"detection": {"file": "../det_any.onnx"}, "recognition": {"file": "recogniser.onnx"}}
    (own_pack / "manifest.json").write_text(json.dumps({"manifest_version": 2, "model_id": "own", "tasks": tasks}))
    with pytest.raises(PackError, match="does not lie beside it"):
        named(own_pack)


@pytest.mark.realfaces
def test_what_insightface_publishes_is_known_without_pinning(shared: Path) -> None:
    folder = shared / "models" / "buffalo_sc"
    assert packs.named(str(folder), Path("nowhere")).detector == (folder / "det_500m.onnx").resolve()


@pytest.mark.django_db
def test_outside_the_demo_the_command_says_what_to_do_and_does_it(own_pack: Path, settings: Settings) -> None:
    packs.named.cache_clear()
    set_matching(settings, PACK="own", PACKS_FOLDER=str(own_pack.parent), UNPINNED_PACKS="")
    with pytest.raises(CommandError, match="Nobody vouches"):
        call_command("face_pack", stdout=StringIO())
    said = StringIO()
    call_command("face_pack", "--pin", stdout=said)
    assert "own: recogniser.onnx" in said.getvalue()
    call_command("face_pack", stdout=StringIO())


@pytest.mark.django_db
def test_the_models_that_detect_attacks_are_pinned_with_the_pack(
    own_pack: Path, tmp_path: Path, settings: Settings
) -> None:
    packs.named.cache_clear()
    (pad := tmp_path / "pad").mkdir()
    for number, name in enumerate(liveness.SCALES):
        (pad / name).write_bytes(bytes([8, 20 + number]))
    set_matching(settings, PACK="own", PACKS_FOLDER=str(own_pack.parent), PAD_FOLDER=str(pad), UNPINNED_PACKS="")
    call_command("face_pack", "--pin", stdout=(said := StringIO()))
    assert all(f"own: {name}" in said.getvalue() for name in liveness.SCALES)
    call_command("face_pack", stdout=StringIO())
    (pad / "MiniFASNetV2.onnx").write_bytes(bytes([8, 30]))
    packs.named.cache_clear()
    with pytest.raises(CommandError, match=r"Nobody vouches for MiniFASNetV2\.onnx in PAD_FOLDER.* face_pack --pin"):
        call_command("face_pack", stdout=StringIO())


# --- data outside of the model ---


def model(values: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> onnx.ModelProto:
    graph = helper.make_graph([], "graph", [], [], [numpy_helper.from_array(values, "weights")])
    return helper.make_model(graph)


def outside() -> TensorProto:
    tensor = numpy_helper.from_array(np.ones(4, np.float32), "weights")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"
    return tensor


def in_a_graph() -> onnx.ModelProto:
    return helper.make_model(helper.make_graph([], "graph", [], [], [outside()]))


def in_an_attribute() -> onnx.ModelProto:
    node = helper.make_node("Constant", [], ["out"], value=outside())
    return helper.make_model(helper.make_graph([node], "graph", [], []))


def in_a_branch() -> onnx.ModelProto:
    inner = helper.make_graph([], "inner", [], [], [outside()])
    node = helper.make_node("If", ["in"], ["out"], then_branch=inner, else_branch=inner)
    return helper.make_model(helper.make_graph([node], "graph", [], []))


def in_a_function() -> onnx.ModelProto:
    node = helper.make_node("Constant", [], ["out"], value=outside())
    function = helper.make_function("own", "f", [], ["out"], [node], [helper.make_opsetid("", 18)])
    return helper.make_model(helper.make_graph([], "graph", [], []), functions=[function])


def in_a_sparse_tensor() -> onnx.ModelProto:
    sparse = onnx.SparseTensorProto(values=outside(), dims=[4])
    return helper.make_model(helper.make_graph([], "graph", [], [], sparse_initializer=[sparse]))


@pytest.mark.parametrize("made", [in_a_graph, in_an_attribute, in_a_branch, in_a_function, in_a_sparse_tensor])
def test_external_data_is_refused_wherever_it_is_named(made: Callable[[], onnx.ModelProto], own_pack: Path) -> None:
    (own_pack / "recogniser.onnx").write_bytes(made().SerializeToString())
    with pytest.raises(PackError, match="keeps data in other files"):
        packs.pin(own_pack.name, own_pack.parent)


def test_every_place_of_the_format_that_holds_tensors_is_looked_at() -> None:
    """Against the format's own description, which a newer version may extend."""
    reached: set[str] = set()

    def compare(message: onnx_files.Message) -> None:
        if message.name in reached:
            return
        reached.add(message.name)
        described = getattr(onnx, message.name).DESCRIPTOR
        nested = {part.number: part.message_type.name for part in described.fields if part.message_type}
        wanted = {number: name for number, name in nested.items() if name in HOLDERS}
        assert {number: inner.name for number, inner in message.within.items()} == wanted
        for inner in message.within.values():
            compare(inner)

    compare(onnx_files.MODEL)
    assert reached == {*HOLDERS, "ModelProto"}


HOLDERS = {
    "AttributeProto",
    "FunctionProto",
    "GraphProto",
    "NodeProto",
    "SparseTensorProto",
    "TensorProto",
    "TrainingInfoProto",
}


@pytest.mark.parametrize("content", [b"", b"\x08", b"no model", b"\x3a\xff\xff\xff\xff\x0f", b"\x3a\x02\x0a" * 9])
def test_what_is_no_model_is_refused_or_holds_nothing(content: bytes) -> None:
    if content:
        with pytest.raises(PackError, match="is no model in ONNX"):
            onnx_files.refuse_external_data("any.onnx", content)
    else:
        onnx_files.refuse_external_data("any.onnx", content)


def test_graphs_within_graphs_without_end_are_refused() -> None:
    deep = b""
    for _ in range(300):
        deep = b"".join((field(6, deep), b""))
        deep = field(1, field(5, deep))
    with pytest.raises(PackError, match="is no model in ONNX"):
        onnx_files.refuse_external_data("any.onnx", field(7, deep))


def field(number: int, content: bytes) -> bytes:
    length, rest = b"", len(content)
    while rest > 0x7F:
        length += bytes([rest & 0x7F | 0x80])
        rest >>= 7
    return bytes([number << 3 | 2]) + length + bytes([rest]) + content
