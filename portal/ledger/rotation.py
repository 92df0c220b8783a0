"""Changing the log's key. The old key signs a statement that names the new one; for a while both sign."""

from portal.core import clock
from portal.ledger import note, publication, signers
from portal.ledger.checkpoint import Head
from portal.ledger.models import KeyChange
from portal.ledger.note import KEY_BYTES, Signer, Verifier

FIRST_LINE = "takedown-portal/key-change@v1"
COMPROMISED = "compromised"


def rotate(seed: bytes, *, compromised: bool = False) -> list[KeyChange]:
    """Sign with a new key from now on, and state it; `seed` is fresh. After a compromise the old keys neither vouch
    for the new one nor sign any more, so the statements, one for each, have to reach the regulators another way.

    Errors: publication.Held, signers.NoKey.
    """
    assert len(seed) == KEY_BYTES
    signed, old = publication.newest_signed(), signers.load()
    new = Signer(signed.origin, seed)
    # Before the key: one that signs has been stated.
    if compromised:
        changes = [_state(_statement(signed, lost, new, why=COMPROMISED), [new]) for lost in old]
    else:
        changes = [_state(_statement(signed, old[0], new, why="rotated"), [new, old[0]])]
    signers.write([new] if compromised else [new, *old])
    publication.sign_again(signed)
    return changes


def retire() -> list[Verifier]:
    """End the overlap: only the newest key signs. Returns the keys that went. Errors: publication.Held, NoKey."""
    signed = publication.newest_signed()
    newest, *old = signers.load()
    signers.write([newest])
    publication.sign_again(signed)
    return [signer.verifier for signer in old]


def known() -> list[Verifier]:
    """Every key this log ever signed with, as far as this machine remembers. Errors: NoKey."""
    stated = [_old_key(change) for change in KeyChange.objects.order_by("-pk")]
    return list(dict.fromkeys([*signers.verifiers(), *stated]))


def trusted() -> list[Verifier]:
    """The same, newest first, without those that were compromised: receipts of any age are under one of them, or under
    none that should be believed. Errors: NoKey."""
    lost = compromised()
    return [key for key in known() if key not in lost]


def compromised() -> frozenset[Verifier]:
    changes = KeyChange.objects.order_by("pk")
    return frozenset(_old_key(change) for change in changes if change.note.split("\n")[2] == COMPROMISED)


def _old_key(change: KeyChange) -> Verifier:
    return note.parse_verifier(change.note.split("\n")[4])


def _state(text: str, by: list[Signer]) -> KeyChange:
    return KeyChange.objects.create(note=note.sign(text, by), made_at=clock.now())


def _statement(signed: Head, old: Signer, new: Signer, *, why: str) -> str:
    """Lines: what this is, the log, why, the size signed so far, the old key, the new key."""
    return f"{FIRST_LINE}\n{new.name}\n{why}\n{signed.size}\n{old.verifier}\n{new.verifier}\n"
