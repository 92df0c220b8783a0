"""The public ledger as files: whole, in parts, cacheable, and only as far as it was signed."""

from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from portal.api import log as pages
from portal.ledger import leaves, publication, rotation, signers, verify

pytestmark = pytest.mark.django_db
PATHS = ("checkpoint", "checkpoints", "leaves", "leaves/0", "keys", "key-changes", "consistency/1/1")


@pytest.fixture(autouse=True)
def log_key(settings: Settings, tmp_path: Path) -> verify.Key:
    settings.KEY_STORE = tmp_path / "key-store"
    return verify.parse_key(str(signers.create("log.example/ledger")))


def append(count: int) -> None:
    for number in range(count):
        leaves.commit(leaves.Kind.TRAIL, {"n": str(number)})


def body(client: Client, path: str) -> bytes:
    answer = client.get(f"/ledger/{path}")
    assert answer.status_code == 200
    return b"".join(answer) if answer.streaming else answer.content


def test_anyone_can_audit_the_log_from_what_is_served(client: Client, log_key: verify.Key) -> None:
    append(3)
    publication.publish()
    first = body(client, "checkpoint")
    append(4)
    publication.publish()
    served = body(client, "leaves")
    assert verify.audit(served, [log_key], [first, body(client, "checkpoint")]).status == verify.SHOWN
    assert body(client, "checkpoints/3") == first
    assert [line.split(b"\t")[0] for line in body(client, "checkpoints").splitlines()] == [b"3", b"7"]
    assert verify.parse_key(body(client, "keys").decode()) == log_key


def test_what_is_not_signed_yet_is_not_shown(client: Client) -> None:
    append(2)
    publication.publish()
    append(5)
    assert body(client, "leaves").count(b"\n") == 2
    assert body(client, "leaves/0").count(b"\n") == 2


def test_parts_that_are_full_never_change_and_may_be_kept(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PART", 4)
    append(10)
    publication.publish()
    parts = [body(client, f"leaves/{number}") for number in range(3)]
    assert b"".join(parts) == body(client, "leaves")
    cached = [client.get(f"/ledger/leaves/{number}")["Cache-Control"] for number in range(3)]
    assert ["immutable" in value for value in cached] == [True, True, False]
    assert client.get("/ledger/leaves/3").status_code == 404


def test_a_file_that_did_not_change_is_not_sent_again(client: Client) -> None:
    append(2)
    publication.publish()
    tag = client.get("/ledger/leaves")["ETag"]
    assert client.get("/ledger/leaves", headers={"If-None-Match": tag}).status_code == 304
    append(1)
    publication.publish()
    assert client.get("/ledger/leaves", headers={"If-None-Match": tag}).status_code == 200


def test_the_statement_of_a_new_key_is_served(client: Client, log_key: verify.Key) -> None:
    append(1)
    publication.publish()
    rotation.rotate(bytes(32))
    stated = body(client, "key-changes").decode()
    assert verify.signed_text(stated, [log_key]).startswith("takedown-portal/key-change@v1\n")


@pytest.mark.parametrize("path", ["checkpoint", "checkpoints/1", "consistency/1/1", "leaves", "leaves/0"])
def test_before_the_first_publication_there_is_nothing(client: Client, path: str) -> None:
    append(1)
    assert client.get(f"/ledger/{path}").status_code == 404


@pytest.mark.parametrize("path", PATHS)
def test_they_are_read_only_and_set_no_cookie(client: Client, path: str) -> None:
    append(1)
    publication.publish()
    assert client.post(f"/ledger/{path}").status_code == 405
    answer = client.get(f"/ledger/{path}")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert not answer.cookies


def test_the_verifier_is_served_as_it_stands(client: Client) -> None:
    assert body(client, "verify.py") == Path(verify.__file__).read_bytes()


def test_that_the_log_grew_out_of_an_earlier_one_is_served_for_any_two_sizes(
    client: Client, log_key: verify.Key
) -> None:
    append(3)
    publication.publish()
    held = body(client, "checkpoint")
    append(4)
    publication.publish()
    grown = body(client, "consistency/3/7")
    assert grown.startswith(b"old 3\n")
    assert grown.endswith(b"\n\n" + body(client, "checkpoint"))
    assert verify.compare([held], [log_key], growth=[grown]).status == verify.SHOWN
    assert verify.compare([held], [log_key], growth=[body(client, "consistency/3/3")]).status == verify.SHOWN
    assert body(client, "consistency/5/7").startswith(b"old 5\n")


@pytest.mark.parametrize("sizes", ["0/3", "4/3", "1/2", "3/4", "x/3", "-1/3"])
def test_of_sizes_that_were_not_signed_there_is_no_proof(client: Client, sizes: str) -> None:
    append(3)
    publication.publish()
    append(2)
    assert client.get(f"/ledger/consistency/{sizes}").status_code == 404
