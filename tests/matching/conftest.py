"""An index and an image store of the test's own."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from django.conf import Settings


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


def set_matching(settings: Any, **changed: str) -> None:
    settings.MATCHING = {**settings.MATCHING, **changed}
