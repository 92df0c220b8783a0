"""A resident types an address as they see it; the index has it as it was scraped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import service
from matching.provenance import addresses
from tests.matching import builders

SCRAPED = "https://www.example.org/photos/an%C3%A9e%2019/?id=7&b=2"

SAME = [
    # What only names the way there.
    ("http://a.example/x", "https://a.example/x"),
    ("HTTPS://A.EXAMPLE/x", "https://a.example/x"),
    ("a.example/x", "https://a.example/x"),
    ("//a.example/x", "https://a.example/x"),
    ("https://www.a.example/x", "https://a.example/x"),
    ("http://a.example:80/x", "https://a.example:443/x"),
    ("https://a.example:/x", "https://a.example/x"),
    ("https://a.example:08443/x", "https://a.example:8443/x"),
    ("https://a.example./x", "https://a.example/x"),
    ("https://ana:secret@a.example/x", "https://a.example/x"),
    ("https:\\\\a.example\\x", "https://a.example/x"),
    ("https://a.exam\tple/x\n", "https://a.example/x"),
    # Hosts.
    ("https://bücher.example/x", "https://xn--bcher-kva.example/x"),
    ("https://BÜCHER.example/x", "https://XN--BCHER-KVA.example/x"),
    ("https://bu\u0308cher.example/x", "https://xn--bcher-kva.example/x"),
    ("https://b%C3%BCcher.example/x", "https://bücher.example/x"),
    ("https://bücher。example/x", "https://bücher.example/x"),
    ("https://straße.example/x", "https://xn--strae-oqa.example/x"),
    ("https://ａ.example/x", "https://a.example/x"),
    ("https://☃.example/x", "https://xn--n3h.example/x"),
    ("https://www.bücher.example/x", "bücher.example/x"),
    ("https://[2001:DB8::0:1]/x", "https://[2001:db8::1]/x"),
    ("https://[::1]:443/x", "http://[0:0:0:0:0:0:0:1]/x"),
    # Paths.
    ("https://a.example", "https://a.example/"),
    ("https://a.example/x/", "https://a.example/x"),
    ("https://a.example/%7Eana", "https://a.example/~ana"),
    ("https://a.example/%61na", "https://a.example/ana"),
    ("https://a.example/a%2fb", "https://a.example/a%2Fb"),
    ("https://a.example/caf%e9", "https://a.example/caf%E9"),
    ("https://a.example/é", "https://a.example/%C3%A9"),
    ("https://a.example/cafe%CC%81", "https://a.example/caf%C3%A9"),
    ("https://a.example/x y", "https://a.example/x%20y"),
    ("https://a.example/100%", "https://a.example/100%25"),
    ("https://a.example/a/./b/../c", "https://a.example/a/c"),
    ("https://a.example/../../x", "https://a.example/x"),
    ("https://a.example/a/%2E%2e/x", "https://a.example/x"),
    ("https://a.example/(x)!", "https://a.example/%28x%29%21"),
    # Queries.
    ("https://a.example/x?", "https://a.example/x"),
    ("https://a.example/x?id=7&utm_source=b&fbclid=c", "https://a.example/x?id=7"),
    ("https://a.example/x?q=a+b", "https://a.example/x?q=a%20b"),
    ("https://a.example/x?q=caf%C3%A9", "https://a.example/x?q=cafe\u0301"),
    ("https://a.example/x?u=https://b.example/", "https://a.example/x?u=https%3A%2F%2Fb.example%2F"),
    # Fragments.
    ("https://a.example/x#face", "https://a.example/x"),
    ("https://a.example/x#:~:text=Ana", "https://a.example/x"),
    ("https://a.example/x#", "https://a.example/x"),
    ("https://a.example/#/", "https://a.example/"),
    ("https://a.example/#!/photo/1/", "https://a.example#!/photo/1"),
]

DIFFERENT = [
    ("https://a.example/x", "https://b.example/x"),
    ("https://a.example/x", "https://a.example/X"),
    ("https://a.example/x", "https://m.a.example/x"),
    ("https://a.example/x", "https://a.example:8443/x"),
    ("https://a.example/x", "ftp://a.example/x"),
    ("https://straße.example/x", "https://strasse.example/x"),
    ("https://βόλος.example/x", "https://βόλοσ.example/x"),
    ("https://bücher.example/x", "https://bucher.example/x"),
    ("https://[::1]/x", "https://[::2]/x"),
    ("https://a.example/a%2Fb", "https://a.example/a/b"),
    ("https://a.example/a%3Fb", "https://a.example/a?b"),
    ("https://a.example/a%23/b", "https://a.example/a#/b"),
    ("https://a.example/a%3Bb", "https://a.example/a;b"),
    ("https://a.example/a%252Fb", "https://a.example/a%2Fb"),
    ("https://a.example/caf%E9", "https://a.example/caf%E8"),
    ("https://a.example/caf%E9", "https://a.example/caf%C3%A9"),
    ("https://a.example/caf%E9", "https://a.example/caf%EF%BF%BD"),
    ("https://a.example/a//b", "https://a.example/a/b"),
    ("https://a.example/a+b", "https://a.example/a%20b"),
    ("https://a.example/?q=a%2Bb", "https://a.example/?q=a+b"),
    ("https://a.example/?q=a%26b", "https://a.example/?q=a&b"),
    ("https://a.example/?q=%E9", "https://a.example/?q=%E8"),
    ("https://a.example/?a=1&b=2", "https://a.example/?b=2&a=1"),
    ("https://a.example/#!/photo/1", "https://a.example/#!/photo/2"),
    ("https://a.example/#/photo/1", "https://a.example/#/photo/2"),
    ("https://a.example/#!/photo/1", "https://a.example/"),
    ("https://a.example/#/photo/1", "https://a.example/#!/photo/1"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_page_has_one_digest(one: str, other: str) -> None:
    assert addresses.digest(one) == addresses.digest(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_another_page_has_another_digest(one: str, other: str) -> None:
    assert addresses.digest(one) != addresses.digest(other)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[", "a b", "https://", "https://[::1", "https://[::g]/", "https://a..example/", "https://%E9.example/"),
        *("https://a.example:99999/", "https://a.example:x/", "mailto:ana@a.example", "javascript:alert(1)"),
    ],
)
def test_what_is_no_address_equals_itself_alone(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        addresses.normal(text)
    assert addresses.digest(text) == addresses.digest(f" {text} ") != addresses.digest(f"{text}x")


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


@given(st.text(alphabet="aé%2fF.:/?#&=+!@[]w~ ;\\ß"))
def test_a_normal_form_is_its_own(text: str) -> None:
    try:
        normal = addresses.normal(f"https://a.example/{text}")
    except ValueError:
        return
    assert addresses.normal(f"https://{normal}") == normal
