"""What is Milvus's alone: how it is chosen, and what a removal leaves in its files."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.conf import Settings

from matching import index, service
from matching.errors import IndexAway, PackError
from matching.harvest import admission
from matching.index import milvus
from matching.index.protocol import FaceRows
from matching.models import HarvestedImage, Intake
from matching.types import Embeddings, Store
from tests.matching import builders
from tests.matching.conftest import set_matching
from tests.matching.harvest import test_harvest_embeddings as ready


@pytest.fixture
def no_client() -> Iterator[None]:
    milvus.client.cache_clear()
    yield
    milvus.client.cache_clear()


def test_an_unknown_index_is_named(settings: Settings) -> None:
    set_matching(settings, INDEX="faiss")
    with pytest.raises(PackError, match="INDEX is faiss, but must be one of postgresql, milvus"):
        index.store()


@pytest.mark.usefixtures("no_client")
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(PackError, match="needs the package pymilvus"):
        milvus.Milvus().size()


@pytest.mark.usefixtures("no_client")
def test_a_missing_address_is_named() -> None:
    with pytest.raises(PackError, match="needs MILVUS_URI"):
        milvus.Milvus().size()


def test_one_that_nobody_answers_for_fails_like_a_disk(no_index: Callable[[], None]) -> None:
    """Tried again by whoever removes, and told to operators in a sentence."""
    no_index()
    for kind in (OSError, PackError):
        with pytest.raises(kind, match="does not answer"):
            milvus.Milvus().present([uuid4()])


@pytest.mark.django_db(transaction=True)
def test_one_that_went_away_later_fails_like_a_disk(settings: Settings, tmp_path: Path) -> None:
    """Connected, in use, and then gone."""
    from milvus_lite.server_manager import server_manager_instance  # noqa: PLC0415  (it takes a second to import)

    path = tmp_path / "faces.db"
    set_matching(settings, INDEX="milvus", MILVUS_URI=str(path))
    milvus.client.cache_clear()
    try:
        image = builders.make_image(builders.unit_rows(1))
        assert service.present(image, Store.INDEX)
        server_manager_instance.release_server(str(path))
        for ask in (service.present, service.erase):
            with pytest.raises(IndexAway, match="does not answer"):
                ask(image, Store.INDEX)
    finally:
        milvus.client.cache_clear()


def in_files(folder: Path, rows: Embeddings) -> int:
    files = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    return sum(any(row.tobytes()[:16] in content for content in files) for row in rows)


@pytest.mark.django_db(transaction=True)
def test_a_purge_takes_removed_faces_out_of_its_files(in_milvus: Path) -> None:
    rows, others = builders.unit_rows(6, seed=8123), builders.unit_rows(6, seed=8124)
    image, kept = builders.make_image(rows), builders.make_image(others)
    milvus.client().flush(milvus.FACES)
    stored, left = (found.astype(np.float16).astype(np.float32) for found in (rows, others))
    service.erase_many([image], Store.INDEX)
    assert in_files(in_milvus, stored) == 6  # deleting is not enough, or this test proves nothing

    assert service.purge().complete

    assert in_files(in_milvus, stored) == 0
    assert in_files(in_milvus, left) == 6
    assert sorted(milvus.generation_of(name) for name in milvus.partitions()) == [1, 1, 1]
    assert {hit.image_id for hit in index.store().search(others, at_least=-1)} == {kept}
    assert len(index.store().search(others, at_least=-1)) == 6


@pytest.mark.django_db(transaction=True)
def test_a_copy_that_was_cut_short_is_made_anew(in_milvus: Path) -> None:
    """Killed between copying and dropping, a partition holds faces twice; none is found twice, none is lost."""
    rows = builders.unit_rows(9)
    builders.make_image(rows)
    fresh = milvus.name_of(1, 1)
    milvus.client().create_partition(milvus.FACES, fresh)
    milvus.copy([milvus.name_of(1, 0)], fresh)
    found = index.store().search(rows, at_least=-1)
    assert len(found) == 9
    assert index.store().rewrite(f"{milvus.PLACE}1")
    assert index.store().search(rows, at_least=-1) == found
    assert index.store().size() == 9
    assert [milvus.generation_of(name) for name in milvus.partitions() if milvus.number_of(name) == 1] == [2]


class Killed(BaseException):
    """As a kill would end a run: nothing behind it is carried out."""


def die_before_clearing(image_ids: Sequence[UUID]) -> None:
    if image_ids:
        raise Killed


@pytest.fixture
def embeddings(tmp_path: Path) -> Path:
    return ready.parquet(tmp_path / "faces.parquet", ready.columns(builders.unit_rows(6)))


def add_and_die(self: milvus.Milvus, faces: FaceRows) -> None:
    ADD(self, faces)
    raise Killed


ADD = milvus.Milvus.add


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("in_milvus")
@pytest.mark.parametrize("cleared_by", ["the next run", "the sweep of leftovers"])
def test_faces_of_a_run_that_was_killed_are_neither_doubled_nor_orphaned(
    embeddings: Path, cleared_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(milvus.Milvus, "add", add_and_die)
        patched.setattr(admission, "clear", die_before_clearing)
        service.harvest_embeddings(embeddings)
    assert index.store().size() == 4  # the last image waits for more of its rows; none, and this test proves nothing
    assert not HarvestedImage.objects.exists()

    if cleared_by == "the sweep of leftovers":
        service.clear_leftovers()
        assert index.store().size() == 0
    service.harvest_embeddings(embeddings)

    assert index.store().size() == 6
    hits = index.store().search(builders.unit_rows(6), at_least=-1)
    assert len(hits) == 6
    assert {hit.image_id for hit in hits} == set(HarvestedImage.objects.values_list("id", flat=True))
    assert not Intake.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("in_milvus")
def test_faces_of_a_transaction_that_failed_go_at_once(embeddings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(milvus.Milvus, "add", add_and_die)
        service.harvest_embeddings(embeddings)
    assert index.store().size() == 0
    assert not Intake.objects.exists()
