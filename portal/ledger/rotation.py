"""Changing the log's key. The old key signs a statement that names the new one; for a while both sign."""

from portal.core import clock
from portal.ledger import note, publication, signers
from portal.ledger.checkpoint import Head
from portal.ledger.models import KeyChange
from portal.ledger.note import KEY_BYTES, Signer, Verifier

FIRST_LINE = "takedown-portal/key-change@v1"


def rotate(seed: bytes, *, compromised: bool = False) -> KeyChange:
    """Sign with a new key from now on, and state it; `seed` is fresh. After a compromise the old key neither vouches
    for the new one nor signs any more, so the statement has to reach the regulators another way.

    Errors: publication.Held, signers.NoKey.
    """
    assert len(seed) == KEY_BYTES
    signed, old = publication.newest_signed(), signers.load()
    new = Signer(signed.origin, seed)
    text = _statement(signed, old[0], new, why="compromised" if compromised else "rotated")
    # Before the key: one that signs has been stated.
    change = KeyChange.objects.create(
        note=note.sign(text, [new] if compromised else [new, old[0]]), made_at=clock.now()
    )
    signers.write([new] if compromised else [new, *old])
    publication.sign_again(signed)
    return change


def retire() -> list[Verifier]:
    """End the overlap: only the newest key signs. Returns the keys that went. Errors: publication.Held, NoKey."""
    signed = publication.newest_signed()
    newest, *old = signers.load()
    signers.write([newest])
    publication.sign_again(signed)
    return [signer.verifier for signer in old]


def known() -> list[Verifier]:
    """Every key this log ever signed with, as far as this machine remembers. Errors: NoKey."""
    stated = [note.parse_verifier(change.note.split("\n")[4]) for change in KeyChange.objects.order_by("pk")]
    return list(dict.fromkeys([*signers.verifiers(), *stated]))


def _statement(signed: Head, old: Signer, new: Signer, *, why: str) -> str:
    """Lines: what this is, the log, why, the size signed so far, the old key, the new key."""
    return f"{FIRST_LINE}\n{new.name}\n{why}\n{signed.size}\n{old.verifier}\n{new.verifier}\n"
