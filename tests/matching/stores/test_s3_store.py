"""The image store in S3: in a bucket that keeps versions, a delete marker is no deletion."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import Settings

from matching import service
from matching.stores import blobs, s3
from matching.types import Store
from tests import object_store
from tests.matching import builders
from tests.matching.conftest import set_matching
from tests.object_store import everything

# Nothing is erased anywhere before the database was asked whether it is up to date.
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with object_store.running() as address:
        yield address


@pytest.fixture
def client(server: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    return object_store.client(server, monkeypatch)


@pytest.fixture(params=[False, True], ids=["plain", "versioned"])
def bucket(request: pytest.FixtureRequest, client: Any, settings: Settings) -> str:
    name = object_store.new_bucket(client, versioned=request.param)
    set_matching(settings, IMAGE_STORE=f"s3://{name}/harvested")
    return name


def write(image: UUID, *, times: int = 1) -> None:
    for number in range(times):
        blobs.store().write_image(image, b"photo %d" % number)
        blobs.store().write_derived(image, blobs.UPRIGHT, b"upright %d" % number)


def test_it_keeps_and_gives_back(client: Any, bucket: str) -> None:
    image = uuid4()
    write(image)
    assert blobs.store().image(image) == b"photo 0"
    assert blobs.store().derived(image, blobs.UPRIGHT) == b"upright 0"
    assert blobs.store().image(uuid4()) is None
    assert everything(client, bucket) == [
        f"harvested/derived/{str(image)[:2]}/{image}-upright.jpg",
        f"harvested/images/{str(image)[:2]}/{image}",
    ]


def test_erasing_takes_every_version_and_every_marker(client: Any, bucket: str) -> None:
    image, other = uuid4(), uuid4()
    write(image, times=3)
    write(other)
    client.delete_object(Bucket=bucket, Key=f"harvested/images/{str(image)[:2]}/{image}")
    for store in (Store.IMAGES, Store.DERIVED):
        service.erase(image, store)
        service.erase(image, store)
        assert not service.present(image, store)
        assert service.present(other, store)
    assert len(everything(client, bucket)) == 2


@pytest.mark.parametrize("bucket", [True], indirect=True)
def test_a_delete_marker_does_not_pass_for_a_deletion(client: Any, bucket: str) -> None:
    image = uuid4()
    write(image)
    client.delete_object(Bucket=bucket, Key=f"harvested/images/{str(image)[:2]}/{image}")
    assert blobs.store().image(image) is None  # to a reader it is gone
    assert service.present(image, Store.IMAGES)
    client.delete_object(Bucket=bucket, Key=f"harvested/derived/{str(image)[:2]}/{image}-upright.jpg")
    service.erase(image, Store.DERIVED)
    assert not service.present(image, Store.DERIVED)


@pytest.mark.parametrize("bucket", [True], indirect=True)
def test_more_versions_than_fit_on_a_page(client: Any, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image = uuid4()
    write(image, times=5)
    ask = s3.Versions._ask

    def small_pages(self: s3.Versions, method: str, **asked: Any) -> dict[str, Any]:
        return ask(self, method, **asked, **({"MaxKeys": 2} if method == "list_object_versions" else {}))

    monkeypatch.setattr(s3.Versions, "_ask", small_pages)
    service.erase(image, Store.IMAGES)
    assert not any(f"images/{str(image)[:2]}" in key for key in everything(client, bucket))


def test_a_batch_is_erased_in_all_stores(client: Any, bucket: str) -> None:
    images = [builders.make_image(builders.unit_rows(1)) for _ in range(3)]
    for image in images:
        write(image)
    for store in (Store.DERIVED, Store.IMAGES):
        assert service.present_many(images, store) == set(images)
        service.erase_many(images, store)
        assert service.present_many(images, store) == frozenset()
    assert everything(client, bucket) == []


@pytest.mark.parametrize("bucket", [True], indirect=True)
def test_a_locked_object_is_an_error_and_no_silence(client: Any, settings: Settings, bucket: str) -> None:
    name = object_store.new_bucket(client, versioned=True, locked=True)
    set_matching(settings, IMAGE_STORE=f"s3://{name}/harvested")
    image = uuid4()
    write(image)
    client.put_object_legal_hold(
        Bucket=name, Key=f"harvested/images/{str(image)[:2]}/{image}", LegalHold={"Status": "ON"}
    )
    with pytest.raises(OSError, match=r"not deleted|Access"):
        service.erase(image, Store.IMAGES)
    assert service.present(image, Store.IMAGES)


@pytest.mark.parametrize("bucket", [True], indirect=True)
def test_a_bucket_that_is_not_there_is_an_error_and_no_absence(settings: Settings, bucket: str) -> None:
    set_matching(settings, IMAGE_STORE="s3://no-such-bucket-here/harvested")
    for ask in (service.present, service.erase):
        with pytest.raises(OSError):  # noqa: PT011  (each server has its own words for it)
            ask(uuid4(), Store.IMAGES)
