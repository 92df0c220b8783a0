"""Signed notes, checkpoints and verifier keys, to the byte of the C2SP texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.ledger import checkpoint, note, signers
from portal.ledger.checkpoint import Head
from portal.ledger.note import NoteError, Signer, parse_verifier, sign, verified_text
from portal.ledger.tree import Tree

# The example of c2sp.org/signed-note, section "Example".
KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = (
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjO"
    "BH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
ONE, OTHER = Signer("log.example/ledger", bytes(32)), Signer("witness.example/w", bytes([1]) * 32)


def test_it_reads_the_specifications_example() -> None:
    assert verified_text(NOTE, [parse_verifier(KEY)]) == "This is an example message.\n"
    assert str(parse_verifier(KEY)) == KEY


def test_an_unknown_line_is_ignored_and_has_room_beside_ours() -> None:
    signed = sign("text\n", [ONE, OTHER])
    assert signed.startswith("text\n\n— log.example/ledger ")
    assert verified_text(signed, [ONE.verifier]) == verified_text(signed, [OTHER.verifier]) == "text\n"


def test_a_wrong_line_of_a_known_key_spoils_the_note() -> None:
    signed = sign("text\n", [ONE, OTHER])
    spoilt = signed.replace("text", "test").replace(OTHER.line("text\n"), OTHER.line("test\n"))
    assert verified_text(spoilt, [OTHER.verifier]) == "test\n"
    with pytest.raises(NoteError, match="does not verify"):
        verified_text(spoilt, [ONE.verifier, OTHER.verifier])


def test_a_key_of_the_same_name_is_another_key() -> None:
    with pytest.raises(NoteError, match="no known key"):
        verified_text(sign("text\n", [Signer(ONE.name, bytes([9]) * 32)]), [ONE.verifier])


def test_a_checkpoint_is_three_lines_and_a_signature() -> None:
    head = Head(ONE.name, 3, Tree([b"a", b"b", b"c"]).root())
    signed = checkpoint.sign(head, [ONE])
    lines = signed.split("\n")
    assert lines[:4] == ["log.example/ledger", "3", note.encode(head.root), ""]
    assert lines[4].startswith("— log.example/ledger ")
    assert lines[5:] == [""]
    assert checkpoint.read(signed, [ONE.verifier]) == head


@pytest.mark.parametrize(
    "text",
    [
        "log.example/ledger\n03\n{root}\n",
        "log.example/ledger\n-3\n{root}\n",
        "log.example/ledger\n3\nAAAA\n",
        "log.example/ledger\n3\n",
        "log.example/ledger\n\n{root}\n",
        "other.example/ledger\n3\n{root}\n",
    ],
)
def test_anything_else_is_no_checkpoint_although_it_is_signed(text: str) -> None:
    signed = sign(text.format(root=note.encode(bytes(32))), [ONE])
    with pytest.raises(NoteError):
        checkpoint.read(signed, [ONE.verifier])


@pytest.mark.parametrize("name", ["wit+ness", "wit ness", "wit\u3000ness", "wit\u00a0ness", ""])
def test_a_signers_name_has_no_space_and_no_plus(name: str) -> None:
    signed = sign("text\n", [ONE])
    with pytest.raises(NoteError, match="not "):
        verified_text(f"{signed}— {name} AAAAAAAA\n", [ONE.verifier])
    with pytest.raises(NoteError, match="not "):
        parse_verifier(str(Signer(name, bytes(32)).verifier))
    if name:
        with pytest.raises(NoteError, match="neither a space nor a plus"):
            signers.create(name)


@given(st.text(max_size=200))
def test_no_text_makes_it_fail_in_another_way(text: str) -> None:
    with pytest.raises(NoteError):
        verified_text(text, [ONE.verifier])
    with pytest.raises(NoteError):
        parse_verifier(text)


@given(st.integers(0, len(NOTE) - 1), st.characters(max_codepoint=0x2FF))
def test_no_changed_letter_leaves_a_note_signed(place: int, letter: str) -> None:
    changed = NOTE[:place] + letter + NOTE[place + 1 :]
    if changed != NOTE:
        with pytest.raises(NoteError):
            verified_text(changed, [parse_verifier(KEY)])
