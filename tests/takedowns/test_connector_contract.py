"""What every store must do: remove as often as asked, be looked into, own up to failing, and be caught lying."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import fsspec
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client as Browser
from pytest_django import Settings

from matching import service
from matching.models import Disclosure, Face, HarvestedImage, RefusedAddress
from matching.types import RegisterLine, Store
from portal.core import clock
from portal.jobs import kinds
from portal.notices.models import Item
from portal.takedowns import connectors
from portal.takedowns.connectors.addresses import RefusedAddresses
from portal.takedowns.connectors.base import BatchConnector, Connector, Erasure, StoreError
from portal.takedowns.connectors.caches import Cache
from portal.takedowns.connectors.local import LocalStore
from portal.takedowns.connectors.recipients import Recipients
from portal.takedowns.models import Step, Takedown
from portal.takedowns.removals import open_removal
from portal.takedowns.states import StepState, TakedownState
from portal.takedowns.work import ATTEMPTS
from tests import builders, object_store

pytestmark = pytest.mark.django_db(transaction=True)


class Rig:
    """A connector, and ways into its store that go past it."""

    connector: Connector

    def holding(self) -> Erasure:
        """An image that the store still has to deal with."""
        return Erasure(builders.indexed_image())

    def has(self, erasure: Erasure) -> bool:
        raise NotImplementedError

    def put_back(self, erasure: Erasure) -> None:
        raise NotImplementedError


class Index(Rig):
    connector = LocalStore(Store.INDEX)

    def has(self, erasure: Erasure) -> bool:
        rows = Face.objects.filter(image_id=erasure.image_id), HarvestedImage.objects.filter(id=erasure.image_id)
        return any(each.exists() for each in rows)

    def put_back(self, erasure: Erasure) -> None:
        HarvestedImage.objects.create(
            id=erasure.image_id,
            file_digest=uuid4().bytes * 2,
            page_digest=uuid4().bytes * 2,
            address_digest=uuid4().bytes * 2,
            harvested_on=builders.DAY,
            width=1,
            height=1,
        )


class Files(Rig):
    """The image store, wherever it lies: looked into as a file system, and as S3 versions and all."""

    def __init__(self, store: Store, url: str, *, everything: Callable[[], list[str]] | None = None) -> None:
        self.connector = LocalStore(store)
        self.fs, self.root = fsspec.core.url_to_fs(url, skip_instance_cache=True)
        self.folder = f"{self.root}/{'images' if store is Store.IMAGES else 'derived'}"
        self.everything = everything or (lambda: list(self.fs.find(self.folder)))

    def has(self, erasure: Erasure) -> bool:
        self.fs.invalidate_cache()
        folder = self.folder.rsplit("/", 1)[-1]
        return any(f"{folder}/" in path and str(erasure.image_id) in path for path in self.everything())

    def put_back(self, erasure: Erasure) -> None:
        image = str(erasure.image_id)
        self.fs.pipe_file(f"{self.folder}/{image[:2]}/{image}", b"kept after all")


class CacheServer(ThreadingHTTPServer):
    """Varnish, as far as this goes; `lies`: says purged and keeps it."""

    daemon_threads = True
    lies = broken = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), CacheHandler)
        self.cached: set[str] = set()


class CacheHandler(BaseHTTPRequestHandler):
    server: CacheServer

    def do_PURGE(self) -> None:
        assert self.headers["Surrogate-Key"] == self.path.rsplit("/", 1)[-1]
        if not self.server.lies:
            self.server.cached.discard(self.path)
        self.reply(200)

    def do_HEAD(self) -> None:
        only_cached = self.headers.get("Cache-Control") == "only-if-cached"
        self.reply(200 if self.path in self.server.cached else 504 if only_cached else 404)

    def reply(self, status: int) -> None:
        self.send_response(500 if self.server.broken else status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


class Caches(Rig):
    def __init__(self, server: CacheServer) -> None:
        self.server = server
        self.url = f"http://127.0.0.1:{server.server_port}/i/{{image}}"
        self.connector = Cache(self.url)

    def holding(self) -> Erasure:
        erasure = super().holding()
        self.put_back(erasure)
        return erasure

    def has(self, erasure: Erasure) -> bool:
        return self._path(erasure) in self.server.cached

    def put_back(self, erasure: Erasure) -> None:
        self.server.cached.add(self._path(erasure))

    def _path(self, erasure: Erasure) -> str:
        return urlsplit(self.url.replace("{image}", str(erasure.image_id))).path


class ToldRecipients(Rig):
    """What the store "has" is a client who was shown the image and is not told."""

    connector = Recipients()

    def holding(self) -> Erasure:
        erasure = super().holding()
        self.put_back(erasure)
        return erasure

    def has(self, erasure: Erasure) -> bool:
        shown = Disclosure.objects.filter(image_id=erasure.image_id).values_list("client", flat=True).distinct()
        return len(shown) > Item.objects.filter(image_id=erasure.image_id).count()

    def put_back(self, erasure: Erasure) -> None:
        client = f"client-{uuid4().hex[:8]}"
        service.import_disclosures([RegisterLine(client, "Police", clock.now(), image_id=erasure.image_id)])


class ListedAddresses(Rig):
    connector = RefusedAddresses()

    def has(self, erasure: Erasure) -> bool:
        known = HarvestedImage.objects.get(pk=erasure.image_id)
        return not RefusedAddress.objects.filter(digest=known.page_digest).exists()

    def put_back(self, _erasure: Erasure) -> None:
        RefusedAddress.objects.all().delete()


@pytest.fixture(scope="module")
def object_server() -> Iterator[str]:
    with object_store.running() as address:
        yield address


@pytest.fixture
def cache() -> Iterator[CacheServer]:
    server = CacheServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


RIGS = ("index", "images", "derived", "images-s3", "caches", "recipients", "addresses")


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    name: str = request.param
    if name == "caches":
        settings.PRIVATE_HOSTS = {"127.0.0.1"}
        return Caches(request.getfixturevalue("cache"))
    if name in ("index", "recipients", "addresses"):
        return {"index": Index, "recipients": ToldRecipients, "addresses": ListedAddresses}[name]()
    store, everything, url = Store(name.removesuffix("-s3")), None, tmp_path.as_uri()
    if name.endswith("-s3"):
        s3 = object_store.client(request.getfixturevalue("object_server"), monkeypatch)
        bucket = object_store.new_bucket(s3, versioned=True)
        url = f"s3://{bucket}/harvested"
        everything = lambda: object_store.everything(s3, bucket)  # noqa: E731  (it closes over both)
    settings.MATCHING = {**settings.MATCHING, "IMAGE_STORE": url}
    return Files(store, url, everything=everything)


def test_what_it_removes_is_gone_and_read_back_as_gone(rig: Rig) -> None:
    erasure, other = rig.holding(), rig.holding()
    assert rig.connector.present(erasure)
    rig.connector.remove(erasure)
    assert not rig.has(erasure)
    assert not rig.connector.present(erasure)
    assert rig.connector.present(other)
    assert rig.has(other)


def test_removing_again_is_no_error_and_changes_nothing(rig: Rig) -> None:
    erasure = rig.holding()
    for _ in range(3):
        rig.connector.remove(erasure)
        assert not rig.connector.present(erasure)
    assert not rig.has(erasure)


def test_removing_what_was_never_there_is_no_error(rig: Rig) -> None:
    nothing = Erasure(uuid4())
    rig.connector.remove(nothing)
    assert not rig.connector.present(nothing)


def test_what_is_there_again_is_seen_whatever_the_store_said(rig: Rig) -> None:
    """A store that says done and still has it looks just like this."""
    erasure = rig.holding()
    rig.connector.remove(erasure)
    rig.put_back(erasure)
    assert rig.connector.present(erasure)
    rig.connector.remove(erasure)
    assert not rig.connector.present(erasure)


def test_a_batch_says_the_same_as_each_alone(rig: Rig) -> None:
    if not isinstance(rig.connector, BatchConnector):
        assert isinstance(rig.connector, Cache)  # the one store that is spoken to address by address
        return
    erasures = [rig.holding() for _ in range(3)]
    assert rig.connector.present_many(erasures) == set(erasures)
    rig.connector.remove_many(erasures[:2])
    assert rig.connector.present_many(erasures) == {erasures[2]}


def broken_files(rig: Rig, erasure: Erasure) -> None:
    """A folder where the file should be: the system refuses to unlink it."""
    assert isinstance(rig, Files)
    for path in rig.fs.find(rig.folder):
        if str(erasure.image_id) in path:
            rig.fs.rm_file(path)
            (Path(path) / "inside").mkdir(parents=True)


def broken_cache(rig: Rig, _erasure: Erasure) -> None:
    assert isinstance(rig, Caches)
    rig.server.broken = True


BREAKS: dict[str, Callable[[Rig, Erasure], None]] = {
    "images": broken_files,
    "derived": broken_files,
    "caches": broken_cache,
}


@pytest.mark.parametrize("rig", sorted(BREAKS), indirect=True)
def test_a_failure_is_a_store_error(rig: Rig, request: pytest.FixtureRequest) -> None:
    erasure = rig.holding()
    BREAKS[rig.connector.name](rig, erasure)
    with pytest.raises(StoreError) as caught:
        rig.connector.remove(erasure)
    assert not caught.value.permanent


@pytest.mark.parametrize("rig", ["images-s3"], indirect=True)
def test_a_bucket_that_is_gone_is_a_store_error_and_no_absence(rig: Rig, object_server: str) -> None:
    assert isinstance(rig, Files)
    erasure = Erasure(uuid4())
    object_store.drop_bucket(object_server, rig.root.split("/")[0])
    for ask in (rig.connector.remove, rig.connector.present):
        with pytest.raises(StoreError):
            ask(erasure)


@pytest.mark.parametrize("rig", ["caches"], indirect=True)
def test_a_cache_at_an_address_that_may_not_be_called_goes_to_a_person(rig: Rig, settings: Settings) -> None:
    settings.PRIVATE_HOSTS = frozenset()
    with pytest.raises(StoreError) as caught:
        rig.connector.remove(Erasure(uuid4()))
    assert caught.value.permanent


@pytest.fixture
def lying_cache(cache: CacheServer, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[CacheServer]:
    settings.PRIVATE_HOSTS = {"127.0.0.1"}
    cache.lies = True
    with_cache: dict[str, Connector] = {"caches": Caches(cache).connector, **connectors.ALL}
    monkeypatch.setattr(connectors, "ALL", with_cache)
    kinds.register({"test.over": lambda _subject: None})
    yield cache
    kinds.forget("test.over")


def test_a_store_that_lies_is_laid_before_a_person_and_retried_by_one(
    lying_cache: CacheServer, sam_client: Browser, drain: Callable[[], int]
) -> None:
    image = builders.indexed_image()
    lying_cache.cached.add(f"/i/{image}")
    open_removal(uuid4(), [image], job_when_removed="test.over", job_when_purged="test.over")
    for _ in range(ATTEMPTS + 2):
        drain()
        clock.move(timedelta(hours=1))
    step = Step.objects.get(store="caches")
    assert (step.state, step.last_error) == (StepState.STUCK, "still there after it was removed")
    assert Takedown.objects.get().state == TakedownState.STUCK
    assert f"/system/steps/{step.pk}/retry/" in sam_client.get("/en/staff/system/").content.decode()

    lying_cache.lies = False
    sam_client.post(f"/en/staff/system/steps/{step.pk}/retry/")
    drain()
    assert Takedown.objects.get().state == TakedownState.PURGED


def test_every_configured_store_is_held_to_this_contract() -> None:
    assert set(connectors.ALL) <= {name.removesuffix("-s3") for name in RIGS}


def test_a_cache_is_a_store_only_where_one_is_named(settings: Settings) -> None:
    assert "caches" not in [connector.name for connector in connectors.configured()]
    settings.CACHE_URL = "https://cdn.example/i/{image}"
    names = [connector.name for connector in connectors.configured()]
    # A cache that has nothing asks the image store, so that is emptied first; the index says where an image came from.
    assert names.index("images") < names.index("caches") < names.index("index") == len(names) - 1


def test_two_caches_are_two_stores(settings: Settings) -> None:
    settings.CACHE_URL = "https://one.example/{image} https://two.example/{image}"
    found = connectors.by_name(connectors.configured())
    assert [name for name in found if name.startswith("caches")] == ["caches", "caches-2"]


def test_two_stores_of_one_name_are_refused() -> None:
    with pytest.raises(ImproperlyConfigured):
        connectors.by_name([*connectors.configured(), *connectors.configured()])
