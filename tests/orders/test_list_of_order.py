"""The list of an order as somebody exported it: cleaned line by line, refused by line."""

import pytest

from portal.orders import lists
from portal.orders.faults import Unreadable
from tests.matching.builders import make_image, unit_rows

pytestmark = pytest.mark.django_db
PAGE = "https://photos.example/ana"


def read(text: str) -> str:
    with pytest.raises(Unreadable) as refused:
        lists.images(text.encode())
    return str(refused.value)


@pytest.mark.parametrize(
    "line",
    [PAGE, "photos.example/ana", f"\u200b{PAGE}\u00a0", f"<{PAGE}>", f"{PAGE}.", "http://www.photos.example:80/ana/"],
)
@pytest.mark.parametrize("heading", ["", "address\n", "\ufeffaddress\n"])
def test_an_image_is_named_by_its_page(line: str, heading: str) -> None:
    image = make_image(unit_rows(1), page=PAGE)
    make_image(unit_rows(1), page="https://photos.example/bo")
    assert lists.images(f"{heading}{line}\n".encode()) == [image]


def test_an_image_is_named_by_its_id() -> None:
    image = make_image(unit_rows(1))
    assert lists.images(f"image\n\u200b{image} \n".encode()) == [image]


def test_an_order_means_no_address_within_another() -> None:
    make_image(unit_rows(1), page=PAGE)
    assert lists.images(f"https://archive.example/2020/{PAGE}\n".encode()) == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("nobody", "Line 2 is neither the id of an image nor an address."),
        ("ftp://photos.example/ana", "Line 2: addresses begin with https: or http:, not with “ftp:”."),
        ("https://photos.example:99999/", "Line 2: “99999” is no port; a port is a number from 1 to 65535."),
        (f"{PAGE}/{'x' * 8000}", "Line 2 is longer than the 8000 characters that an address can have."),
    ],
)
def test_a_line_that_cannot_be_is_named(line: str, why: str) -> None:
    assert read(f"{PAGE}\n{line}\n") == why


def test_a_list_that_is_too_long_says_by_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "LONGEST", 3)
    assert read(f"{PAGE}\n" * 5) == "The file has 5 lines, 2 more than the 3 of one list: divide it."
