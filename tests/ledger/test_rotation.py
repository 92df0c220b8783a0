"""Another key: stated by the old one, both for a while, then the new one alone; and after a theft, at once."""

import html
import re
from io import StringIO
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.test import Client

from portal.core import keys
from portal.ledger import checkpoint, leaves, note, publication, receipt, resume, rotation, signers, verify
from portal.ledger.models import Checkpoint, KeyChange, Leaf
from portal.ledger.note import NoteError, Verifier, parse_verifier
from portal.residents import certificates

pytestmark = pytest.mark.django_db


def publish() -> str:
    leaves.commit(leaves.Kind.TRAIL, {"n": str(uuid4())})
    made = publication.publish()
    assert made is not None
    return made.note


def command(*arguments: str) -> str:
    output = StringIO()
    call_command("ledger", *arguments, stdout=output)
    return output.getvalue()


def test_the_old_key_states_the_new_one_and_both_sign_until_it_retires(log_key: Verifier) -> None:
    publish()
    stated = command("rotate-key")
    lines = note.verified_text(stated, [log_key]).split("\n")
    assert lines[:4] == ["takedown-portal/key-change@v1", "log.example/ledger", "rotated", "1"]
    assert lines[4] == str(log_key)
    new = parse_verifier(lines[5])
    assert note.verified_text(stated, [new])
    during = publish()
    assert checkpoint.read(during, [log_key]) == checkpoint.read(during, [new])
    assert str(log_key) in command("retire-key")
    after = publish()
    assert checkpoint.read(after, [new]).size == 3
    with pytest.raises(NoteError):
        checkpoint.read(after, [log_key])


def test_what_was_signed_is_signed_again_so_that_the_newest_checkpoint_bears_the_new_key(log_key: Verifier) -> None:
    before = publish()
    rotation.rotate(bytes(32))
    newest = Checkpoint.objects.latest("pk")
    assert newest.note != before
    for key in signers.verifiers():
        assert checkpoint.read(newest.note, [key]).size == 1


def test_a_stolen_key_neither_signs_nor_vouches_any_more(log_key: Verifier) -> None:
    publish()
    (stated,) = (change.note for change in rotation.rotate(bytes([3]) * 32, compromised=True))
    with pytest.raises(NoteError):
        note.verified_text(stated, [log_key])
    (new,) = signers.verifiers()
    assert note.verified_text(stated, [new]).split("\n")[2] == "compromised"
    with pytest.raises(NoteError):
        checkpoint.read(publish(), [log_key])
    assert KeyChange.objects.count() == 1


def test_a_checkpoint_under_a_retired_key_still_serves_to_resume(log_key: Verifier) -> None:
    held_outside = publish()
    rotation.rotate(bytes([4]) * 32, compromised=True)
    signers.hold()
    assert rotation.known()[1] == log_key
    assert resume.resume(held_outside).size == 1
    leaves.commit(leaves.Kind.TRAIL, {})
    assert publication.publish() is not None


def test_verify_takes_both_keys_during_the_overlap(log_key: Verifier) -> None:
    publish()
    rotation.rotate(bytes([5]) * 32)
    both = publish().encode()
    keys = [verify.parse_key(str(key)) for key in signers.verifiers()]
    assert len(keys) == 2
    for given in ([keys[0]], [keys[1]], keys):
        assert verify.parse_checkpoint(both.decode(), given).size == 2


def issued() -> bytes:
    leaf = leaves.append(leaves.Kind.CLOSED, key_id=make_key(), commitment={"reference": "ABCD-1234"})
    publication.publish()
    return receipt.issue(Leaf.objects.get(pk=leaf.pk))


def test_receipts_of_before_during_and_after_check_out_with_the_keys_the_page_gives(
    log_key: Verifier, client: Client
) -> None:
    receipts = [issued()]
    rotation.rotate(bytes([5]) * 32)
    receipts.append(issued())
    rotation.retire()
    receipts.append(issued())
    page = client.get("/en/verify/").content.decode()
    filled_in = re.search(r"<textarea[^>]*name=.key.[^>]*>([^<]*)<", page)
    assert filled_in is not None
    given = html.unescape(filled_in.group(1)).strip()
    assert len(given.splitlines()) == 2
    for one in receipts:
        assert client.post("/en/verify/", {"receipt_text": one.decode(), "key": given}).status_code == 200


def test_a_certificate_prints_the_key_that_signed_its_receipt(log_key: Verifier) -> None:
    before = issued()
    rotation.rotate(bytes([5]) * 32)
    made = certificates.make(before, language="en")
    assert made.key == str(log_key)
    assert verify.examine(before, [verify.parse_key(made.key)]).status == verify.SHOWN


def test_verify_follows_the_log_from_the_first_key_to_the_last_and_back(log_key: Verifier, client: Client) -> None:
    first = issued()
    for seed in (5, 6):
        rotation.rotate(bytes([seed]) * 32)
        rotation.retire()
    last, newest = issued(), str(signers.verifiers()[0])
    stated = client.get("/ledger/key-changes").content
    for key, one in ((str(log_key), last), (newest, first)):
        reached, report = verify.with_changes([verify.parse_key(key)], stated)
        assert report.status == verify.SHOWN
        assert verify.examine(one, [verify.parse_key(key)]).status == verify.UNSIGNED
        assert verify.examine(one, reached).status == verify.SHOWN


def test_a_compromise_takes_every_key_that_lay_there_and_receipts_are_under_the_new_one(log_key: Verifier) -> None:
    leaf = leaves.append(leaves.Kind.CLOSED, key_id=make_key(), commitment={})
    publication.publish()
    rotation.rotate(bytes([5]) * 32)
    assert len(rotation.rotate(bytes([6]) * 32, compromised=True)) == 2
    (new,) = signers.verifiers()
    assert rotation.trusted() == [new]
    assert len(rotation.known()) == 3
    again = receipt.issue(Leaf.objects.get(pk=leaf.pk))
    assert verify.examine(again, [verify.parse_key(str(new))]).status == verify.SHOWN


def make_key() -> UUID:
    key_id = uuid4()
    keys.create(key_id)
    return key_id
