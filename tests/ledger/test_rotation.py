"""Another key: stated by the old one, both for a while, then the new one alone; and after a theft, at once."""

from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command

from portal.ledger import checkpoint, leaves, note, publication, resume, rotation, signers, verify
from portal.ledger.models import Checkpoint, KeyChange
from portal.ledger.note import NoteError, Verifier, parse_verifier

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
    stated = rotation.rotate(bytes([3]) * 32, compromised=True).note
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
