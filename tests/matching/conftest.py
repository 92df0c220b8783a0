"""An index and an image store of the test's own."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import Settings

from matching.index import milvus


def package_folder(name: str) -> Path:
    """Of an installed package, without importing it."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(next(iter(spec.submodule_search_locations)))


@pytest.fixture(scope="session")
def astronaut() -> Path:
    """NASA's public portrait of Eileen Collins."""
    return package_folder("skimage") / "data" / "astronaut.png"


@pytest.fixture(scope="session")
def other_people() -> list[Path]:
    """The pictures that come with InsightFace: six actors, one portrait, four photos of masks."""
    return sorted((package_folder("insightface") / "data" / "images").glob("*.*g"))


@pytest.fixture(autouse=True)
def own_store(settings: Settings, tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    set_matching(settings, IMAGE_STORE=folder.as_uri())
    return folder


@pytest.fixture
def small_pack(settings: Settings, shared: Path) -> None:
    """The InsightFace pack of ../shared instead of dlib's; only under the marker `realfaces`."""
    set_matching(settings, PACK=str(shared / "models" / "buffalo_sc"))


@pytest.fixture(scope="session")
def milvus_lite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One server in this process for all tests; it listens on loopback."""
    from milvus_lite.server_manager import server_manager_instance  # noqa: PLC0415  (it takes a second to import)

    path = tmp_path_factory.mktemp("milvus") / "faces.db"
    yield path
    if milvus.client.cache_info().currsize:
        milvus.client().close()
        milvus.client.cache_clear()
    server_manager_instance.release_server(str(path))


@pytest.fixture
def in_milvus(settings: Settings, monkeypatch: pytest.MonkeyPatch, milvus_lite: Path) -> Iterator[Path]:
    set_matching(settings, INDEX="milvus", MILVUS_URI=str(milvus_lite))
    monkeypatch.setattr(milvus, "PARTITIONS", 3)
    yield milvus_lite
    if milvus.exists():
        milvus.client().drop_collection(milvus.FACES)


def set_matching(settings: Any, **changed: str) -> None:
    settings.MATCHING = {**settings.MATCHING, **changed}
