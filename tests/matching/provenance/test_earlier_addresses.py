"""Digests made before addresses followed RFC 3986: renewed where the address is known, else still understood."""

import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from matching import service
from matching.blocklist import blocks
from matching.harvest import admission
from matching.harvest.admission import Arrival
from matching.index.protocol import FaceRows
from matching.models import HarvestedImage, RefusedAddress
from matching.provenance import addresses, earlier_addresses, refused_addresses
from matching.types import RegisterLine
from tests.matching import builders
from tests.matching.provenance.test_addresses import DIFFERENT, SAME

pytestmark = pytest.mark.django_db

BEFORE = ("matching", "0009_editions_of_the_refused_list")
AFTER = ("matching", "0011_renew_digests_of_pages")
NO_FACES = FaceRows((), np.empty((0, 4), np.int32), np.empty(0, np.float32), np.empty((0, 128), np.float32))
LATIN, OTHER_LATIN = "https://old.example/caf%E9.jpg", "https://old.example/caf%E8.jpg"
ROUTES = ("https://spa.example/#!/photo/1", "https://spa.example/")
# How an address was written when its digest was made, and how it is written when it is asked for.
WRITTEN = [
    *((one, one) for pair in (*SAME, *DIFFERENT) for one in pair),
    ("https://bücher.example/x", "https://xn--bcher-kva.example/x"),
    ("https://xn--strae-oqa.example/x", "https://straße.example/x"),
    ("https://nfd.example/cafe%CC%81.html", "https://nfd.example/caf%C3%A9.html"),
    ("https://nfd.example/café.html", "https://nfd.example/cafe\u0301.html"),
    ("http://www.a.example/y/?utm_source=x#face", "a.example/y"),
]
SHOWN_AT = datetime(2026, 3, 4, tzinfo=UTC)


@pytest.fixture
def upgraded() -> Callable[[], object]:
    """The tables as they were before; called, they are as they are now. The transaction of the test undoes it."""
    MigrationExecutor(connection).migrate([BEFORE])
    return lambda: MigrationExecutor(connection).migrate([AFTER])


def insert(table: str, **values: Any) -> None:
    names, places = ", ".join(values), ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO matching_{table} ({names}) VALUES ({places})", list(values.values()))


def image_before(page: str, *, address: str = "", content: bytes = b"a photo") -> UUID:
    image_id = uuid4()
    insert(
        "harvestedimage",
        id=image_id,
        file_digest=hashlib.sha256(content).digest(),
        page=page,
        page_digest=earlier_addresses.digest(page),
        address_digest=earlier_addresses.digest(address or page),
        site="a.example",
        country="CA",
        harvested_on=date(2026, 1, 2),
        width=1,
        height=1,
    )
    return image_id


def refused_before(*given: str) -> None:
    for place, address in enumerate(given, start=1):
        digest = earlier_addresses.digest(address)
        insert("refusedaddress", position=place, digest=digest, added_on=date(2026, 1, 2))


def enters(page: str, *, address: str = "") -> bool:
    image = Arrival(uuid4(), uuid4().bytes * 2, page=page, site="", harvested_on=date(2026, 1, 2), address=address)
    with admission.one_harvest():
        return image.image_id in admission.admit([image], NO_FACES).image_ids


def test_pages_have_their_digest_of_today_after_an_upgrade(upgraded: Callable[[], object]) -> None:
    pages = [page for pair in (*SAME, *DIFFERENT) for page in pair]
    images = [image_before(page, content=str(n).encode()) for n, page in enumerate(pages)]
    upgraded()
    rows = HarvestedImage.objects.in_bulk(images)
    assert [bytes(rows[image].page_digest) for image in images] == list(map(addresses.digest, pages))
    assert all(row.page_digest == row.address_digest for row in rows.values())


def test_pages_that_were_one_are_two_after_an_upgrade(upgraded: Callable[[], object]) -> None:
    images = {page: image_before(page, content=page.encode()) for page in (LATIN, OTHER_LATIN, *ROUTES)}
    upgraded()
    assert {page: service.images_at([page]) for page in images} == {page: (image,) for page, image in images.items()}


def test_one_file_on_what_is_one_page_today_is_found_twice(upgraded: Callable[[], object]) -> None:
    twins = {image_before("https://bücher.example/x/"), image_before("https://xn--bcher-kva.example/x/")}
    upgraded()
    assert set(service.images_at(["bücher.example/x"])) == twins


def test_an_image_is_found_by_its_own_address(upgraded: Callable[[], object]) -> None:
    images = [image_before(f"https://page.example/{n}", address=kept) for n, (kept, _) in enumerate(WRITTEN)]
    upgraded()
    found = [service.images_at([asked]) for _kept, asked in WRITTEN]
    assert [image in each for image, each in zip(images, found, strict=True)] == [True] * len(WRITTEN)


@pytest.mark.slow
def test_what_was_refused_stays_refused(upgraded: Callable[[], object]) -> None:
    refused_before(*{earlier_addresses.digest(kept): kept for kept, _ in WRITTEN}.values())
    upgraded()
    for _kept, asked in WRITTEN:
        assert not enters(asked), asked
        assert not enters("https://page.example/", address=asked), asked
    assert enters("https://page.example/")


def test_what_was_refused_comes_back_with_a_backup_of_before() -> None:
    refused_addresses.replay_note(uuid4(), earlier_addresses.digest(LATIN).hex())
    assert not enters(LATIN)


def test_what_is_refused_today_refuses_no_other_page() -> None:
    for one, other in (
        (LATIN, OTHER_LATIN),
        ROUTES,
        ROUTES[::-1],
        ("https://b.example/a%2Fb", "https://b.example/a/b"),
    ):
        RefusedAddress.objects.all().delete()
        service.refuse_addresses([builders.make_image(builders.unit_rows(1), page=one)])
        assert not enters(one), one
        assert enters(other), other


def test_an_image_of_before_is_refused_by_its_own_address(upgraded: Callable[[], object]) -> None:
    image = image_before("https://page.example/", address=LATIN)
    upgraded()
    service.refuse_addresses([image])
    assert not service.not_refused([image])
    assert not enters("https://new.example/", address=LATIN)


def line(address: str) -> RegisterLine:
    return RegisterLine("a client", "", SHOWN_AT, None, address)


def disclosed_before(address: str) -> None:
    digest = earlier_addresses.digest(address)
    given = {"client": "a client", "agency": "", "shown_at": SHOWN_AT, "address_digest": digest}
    insert("disclosure", digest=uuid4().bytes * 2, **given)


def named(*images: UUID) -> set[UUID]:
    return {shown.image_id for shown in service.disclosures_of(images)}


def test_the_register_of_before_still_names_pages(upgraded: Callable[[], object]) -> None:
    for kept, _asked in WRITTEN:
        disclosed_before(kept)
    images = {image_before(asked, content=f"{n}".encode()) for n, (_kept, asked) in enumerate(WRITTEN)}
    upgraded()
    assert named(*images) == images


def test_register_and_images_of_before_are_still_one(upgraded: Callable[[], object]) -> None:
    disclosed_before(LATIN)
    image = image_before("https://page.example/", address=LATIN)
    upgraded()
    assert named(image) == {image}


def test_the_register_of_today_names_images_of_before(upgraded: Callable[[], object]) -> None:
    image = image_before("https://page.example/", address=LATIN)
    upgraded()
    service.import_disclosures([line(LATIN)])
    assert named(image) == {image}


def test_the_register_of_today_names_no_other_page() -> None:
    images = {page: builders.make_image(builders.unit_rows(1), page=page) for page in (LATIN, OTHER_LATIN, *ROUTES)}
    for page in (LATIN, ROUTES[0]):
        service.import_disclosures([line(page)])
    assert named(*images.values()) == {images[LATIN], images[ROUTES[0]]}


def test_an_exemption_of_before_holds_and_can_be_ended(upgraded: Callable[[], object]) -> None:
    insert("exemption", address_digest=earlier_addresses.digest(LATIN))
    upgraded()
    spellings = earlier_addresses.spellings(LATIN)
    assert blocks.exempted(spellings)
    service.end_exemption(LATIN)
    assert not blocks.exempted(spellings)


def test_an_exemption_of_today_exempts_no_other_page() -> None:
    service.exempt(LATIN)
    assert blocks.exempted(earlier_addresses.spellings(LATIN))
    assert not blocks.exempted(earlier_addresses.spellings(OTHER_LATIN))
