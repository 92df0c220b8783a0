"""A resident types an address as they see it; the index has it as it was scraped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import service
from matching.provenance import addresses
from tests.matching import builders

SCRAPED = "https://www.example.org/photos/an%C3%A9e%2019/?id=7&b=2"


@pytest.mark.parametrize(
    "typed",
    [
        SCRAPED,
        "http://example.org/photos/an%c3%a9e%2019?id=7&b=2",
        "example.org/photos/anée 19/?id=7&b=2",
        "https://EXAMPLE.org:443/photos/an%C3%A9e%2019/?id=7&b=2&utm_source=x#face",
        f"  {SCRAPED}\n",
    ],
)
@pytest.mark.django_db
def test_the_same_page_is_found_however_it_is_written(typed: str) -> None:
    image = builders.make_image(builders.unit_rows(1), page=SCRAPED)
    assert service.images_at([typed]) == (image,)


@pytest.mark.parametrize(
    "typed",
    [
        "https://example.org/photos",
        "https://example.org/photos/an%C3%A9e%2019/?id=8&b=2",
        "https://example.net/",
        "",
        "[",
        "https://[::1",
    ],
)
@pytest.mark.django_db
def test_another_page_is_not(typed: str) -> None:
    builders.make_image(builders.unit_rows(1), page=SCRAPED)
    assert service.images_at([typed]) == ()


@given(st.text())
def test_any_text_has_a_digest(text: str) -> None:
    assert len(addresses.digest(text)) == 32


@given(st.from_regex(addresses.SIMPLE, fullmatch=True))
def test_a_simple_address_is_what_taking_it_apart_gives(address: str) -> None:
    assert addresses.normal(address) == addresses.taken_apart(address)
