"""The crawler's list: signed, in pages that only grow, for whoever shows the token, and made of digests."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.test import Client
from pytest_django import Settings

from matching import service
from portal.jobs import kinds
from portal.takedowns import feed
from portal.takedowns.removals import open_removal
from tests.builders import indexed_image

pytestmark = pytest.mark.django_db
URL = "/api/v1/refused-addresses/"
SHOWN = {"Authorization": "Bearer crawler-token"}


@pytest.fixture(autouse=True)
def surroundings(settings: Settings) -> Iterator[None]:
    settings.CRAWLER_TOKEN = "crawler-token"
    kinds.register({"test.over": lambda _subject: None})
    yield
    kinds.forget("test.over")


def read(client: Client, after: int = 0) -> tuple[list[str], list[str]]:
    """The three numbers, and the entries, once the signature holds: as a crawler does it, from the key it was given."""
    answer = client.get(f"{URL}?after={after}&list={service.refused_list_edition()}", headers=SHOWN)
    text, _empty, signature = answer.content.decode().rpartition("\n\n")
    assert holds(f"{text}\n", signature, client)
    title, edition, numbers, *entries = text.split("\n")
    assert (title, edition) == ("takedown-portal/refused-addresses/v2", str(service.refused_list_edition()))
    return numbers.split(), entries


def holds(text: str, line: str, client: Client) -> bool:
    name, key_id, key = client.get(f"{URL}key").content.decode().strip().split("+", 2)
    dash, signer, encoded = line.strip().split(" ")
    raw = base64.b64decode(encoded)
    assert (dash, signer, raw[:4].hex()) == ("—", name, key_id)
    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(key)[1:]).verify(raw[4:], text.encode())
    except InvalidSignature:
        return False
    return True


def refused_page() -> str:
    image = indexed_image()
    service.refuse_addresses([image])
    return service.identifiers_of([image])[image].page


@pytest.mark.django_db(transaction=True)
def test_a_removal_puts_the_address_on_the_list(client: Client, drain: Callable[[], int]) -> None:
    image = indexed_image()
    page = service.identifiers_of([image])[image].page
    open_removal(uuid4(), [image], job_when_removed="test.over", job_when_purged="test.over")
    drain()
    numbers, entries = read(client)
    assert numbers == ["0", "1", "1"]
    # The address without scheme, www., tracking and final slash.
    assert entries == [hashlib.sha256(page.removeprefix("https://").encode()).hexdigest()]


def test_no_address_can_be_read_from_it(client: Client) -> None:
    refused_page()
    assert "photos.example" not in client.get(URL, headers=SHOWN).content.decode()


def test_a_crawler_goes_on_behind_what_it_has(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "PAGE", 2)
    for _ in range(3):
        refused_page()
    (first, some), (second, rest) = read(client), read(client, after=2)
    assert (first, second) == (["0", "2", "3"], ["2", "3", "3"])
    assert len(set(some + rest)) == 3
    assert read(client, after=3) == (["3", "3", "3"], [])


def test_any_change_breaks_the_signature(client: Client) -> None:
    refused_page()
    text, _empty, signature = client.get(URL, headers=SHOWN).content.decode().rpartition("\n\n")
    assert holds(f"{text}\n", signature, client)
    assert not holds(f"{text[:-1]}0\n", signature, client)
    assert not holds(text.replace("0 1 1", "0 1 2") + "\n", signature, client)


def test_it_is_sent_again_only_when_it_grew(client: Client) -> None:
    refused_page()
    tag = client.get(URL, headers=SHOWN)["ETag"]
    assert client.get(URL, headers={**SHOWN, "If-None-Match": tag}).status_code == 304
    refused_page()
    assert client.get(URL, headers={**SHOWN, "If-None-Match": tag}).status_code == 200


def test_a_crawler_that_has_more_than_there_is_reads_it_anew(client: Client) -> None:
    """Signed as "120 120 120", the list would never have told it the rest."""
    refused_page()
    answer = client.get(f"{URL}?after=2&list={service.refused_list_edition()}", headers=SHOWN)
    assert answer.status_code == 409
    assert "Read it anew from after=0" in answer.content.decode()


@pytest.mark.parametrize("named", ["", "&list=", "&list=3b0ee1ba-7a14-4ad3-8c3a-2f2b3e2f7f10"])
def test_a_crawler_that_names_another_list_or_none_reads_it_anew(client: Client, named: str) -> None:
    refused_page()
    assert client.get(f"{URL}?after=1{named}", headers=SHOWN).status_code == 409
    assert client.get(f"{URL}?after=0{named}", headers=SHOWN).status_code == 200


def test_after_a_restore_it_is_another_list(client: Client) -> None:
    refused_page()
    before, _positions = service.refused_list_edition(), read(client)
    service.begin_refused_list_anew()
    assert service.refused_list_edition() != before
    assert client.get(f"{URL}?after=1&list={before}", headers=SHOWN).status_code == 409
    assert read(client, after=1) == (["1", "1", "1"], [])


def test_whoever_shows_no_token_learns_of_no_list(client: Client) -> None:
    assert client.get(f"{URL}?after=9&list=x").status_code == 404


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer "}])
def test_whoever_shows_no_token_finds_nothing(client: Client, headers: dict[str, str]) -> None:
    assert client.get(URL, headers=headers).status_code == 404


def test_without_a_token_in_the_settings_nobody_reads_it(client: Client, settings: Settings) -> None:
    settings.CRAWLER_TOKEN = ""
    assert client.get(URL, headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize("after", ["-1", "x", "1e3", "9" * 16, "١"])
def test_a_position_that_is_none_is_not_found(client: Client, after: str) -> None:
    assert client.get(f"{URL}?after={after}", headers=SHOWN).status_code == 404


def test_it_is_only_read(client: Client) -> None:
    assert client.post(URL, headers=SHOWN).status_code == 405
