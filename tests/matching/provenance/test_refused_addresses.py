"""Where a removed image came from, nothing enters again."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.db import connection

from matching import service
from matching.harvest import admission
from matching.harvest.admission import Arrival
from matching.index.protocol import FaceRows
from matching.models import HarvestedImage, RefusedAddress
from matching.provenance import addresses
from matching.types import Store

NO_FACES = FaceRows((), np.empty((0, 4), np.int32), np.empty(0, np.float32), np.empty((0, 128), np.float32))


def arrive(page: str, *, address: str = "", content: bytes = b"a photo") -> UUID:
    image = Arrival(
        uuid4(),
        hashlib.sha256(content).digest(),
        page=page,
        site="photos.example",
        harvested_on=date(2026, 1, 2),
        address=address,
    )
    with admission.one_harvest():
        admission.admit([image], NO_FACES)
    return image.image_id


def is_inside(image: UUID) -> bool:
    return HarvestedImage.objects.filter(pk=image).exists()


@pytest.mark.django_db
def test_the_page_and_the_images_own_address_are_refused() -> None:
    image = arrive("https://photos.example/ana", address="https://cdn.example/1.jpg")
    service.refuse_addresses([image])
    assert is_inside(image)  # what is here is not touched
    again = arrive("http://www.photos.example/ana/?utm_source=x", content=b"another photo of the page")
    moved = arrive("https://elsewhere.example/", address="https://cdn.example/1.jpg")
    other = arrive("https://photos.example/bo", content=b"of somebody else")
    assert [is_inside(each) for each in (again, moved, other)] == [False, False, True]


@pytest.mark.django_db
def test_what_was_refused_is_counted() -> None:
    image = arrive("https://photos.example/ana")
    service.refuse_addresses([image])
    batch = [
        Arrival(uuid4(), bytes([n]) * 32, page=page, site="", harvested_on=date(2026, 1, 2))
        for n, page in enumerate(["https://photos.example/ana", "https://photos.example/new"])
    ]
    with admission.one_harvest():
        admitted = admission.admit(batch, NO_FACES)
    assert (admitted.image_ids, admitted.refused) == (frozenset({batch[1].image_id}), 1)


@pytest.mark.django_db
def test_reading_back_tells_what_is_not_listed() -> None:
    first, second = arrive("https://photos.example/1"), arrive("https://photos.example/2", content=b"2")
    service.refuse_addresses([first])
    assert service.not_refused([first, second]) == {second}
    RefusedAddress.objects.all().delete()
    assert service.not_refused([first, second]) == {first, second}


@pytest.mark.django_db(transaction=True)
def test_listing_again_changes_nothing_even_when_the_image_is_gone() -> None:
    image = arrive("https://photos.example/1", address="https://cdn.example/1.jpg")
    service.refuse_addresses([image])
    before = list(RefusedAddress.objects.order_by("position").values_list("position", "digest"))
    service.refuse_addresses([image])
    service.erase(image, Store.INDEX)
    service.refuse_addresses([image])
    after = list(RefusedAddress.objects.order_by("position").values_list("position", "digest"))
    assert [(n, bytes(d)) for n, d in after] == [(n, bytes(d)) for n, d in before]
    assert service.not_refused([image]) == frozenset()


@pytest.mark.django_db
def test_it_is_read_in_the_order_in_which_it_grew() -> None:
    for n in range(3):
        service.refuse_addresses([arrive(f"https://photos.example/{n}", content=bytes([n]))])
    expected = [addresses.digest(f"https://photos.example/{n}") for n in range(3)]
    assert service.refused_addresses(after=0, most=10) == (expected, 3)
    assert service.refused_addresses(after=1, most=1) == (expected[1:2], 3)
    assert service.refused_addresses(after=3, most=10) == ([], 3)


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_time_leave_no_gap() -> None:
    images = [arrive(f"https://photos.example/{n}", content=bytes([n])) for n in range(24)]

    def list_one(image: UUID) -> None:
        try:
            service.refuse_addresses([image])
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(list_one, images))
    positions = list(RefusedAddress.objects.order_by("position").values_list("position", flat=True))
    assert positions == list(range(1, 25))
