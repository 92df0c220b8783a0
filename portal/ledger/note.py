"""Signed notes (C2SP signed-note): a text, an empty line, and one line for each signature, Ed25519 ours.

Lines of keys that are not ours are kept and ignored, so that witnesses and later algorithms have room.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = 0x01
KEY_BYTES, ID_BYTES, SIGNATURE_BYTES = 32, 4, 64
# "Key names MUST be non-empty and MUST NOT contain any Unicode spaces or plus (U+002B) characters."
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]{1,255}")
_DASH = "— "


class NoteError(ValueError):
    """Not a note, or not signed by the key it should be signed by."""


@dataclass(frozen=True)
class Verifier:
    """A log's public key, written as a C2SP verifier key: name+id+base64(0x01 ‖ key)."""

    name: str
    key: bytes

    @property
    def key_id(self) -> bytes:
        """SHA-256(key name || 0x0A || 0x01 || 32-byte Ed25519 public key)[:4]"""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([ED25519]) + self.key).digest()[:ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{encode(bytes([ED25519]) + self.key)}"

    def verifies(self, text: str, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class Signer:
    """A log's private key: the 32-byte seed of RFC 8032, section 5.1.5."""

    name: str
    seed: bytes

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"<signer {self.verifier}>"

    def line(self, text: str) -> str:
        """— <key name> base64(32-bit key ID || signature)"""
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())
        return f"{_DASH}{self.name} {encode(self.verifier.key_id + signature)}\n"


def is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def parse_verifier(text: str) -> Verifier:
    """Errors: NoteError."""
    name, _plus, rest = text.strip().partition("+")
    key_id, _plus, key = rest.partition("+")
    raw = decode(key)
    if not is_name(name) or len(raw) != 1 + KEY_BYTES or raw[0] != ED25519:
        raise NoteError("not an Ed25519 verifier key")
    verifier = Verifier(name, raw[1:])
    if key_id != verifier.key_id.hex():
        raise NoteError("the verifier key's id is not that of its key")
    return verifier


def sign(text: str, signers: Iterable[Signer]) -> str:
    """`text` ends with a newline."""
    if not text.endswith("\n") or any(ord(letter) < 0x20 and letter != "\n" for letter in text):
        raise NoteError("a note's text ends with a newline and has no other control character")
    lines = [signer.line(text) for signer in signers]
    if not lines:
        raise NoteError("a note has at least one signature")
    return f"{text}\n{''.join(lines)}"


def verified_text(note: str, verifiers: Iterable[Verifier]) -> str:
    """The text, once one of `verifiers` signed it and none of them signed it wrongly. Errors: NoteError."""
    text, signatures = split(note)
    signed = False
    for verifier in verifiers:
        for name, raw in signatures:
            if (name, raw[:ID_BYTES]) == (verifier.name, verifier.key_id):
                if not verifier.verifies(text, raw[ID_BYTES:]):
                    raise NoteError("a signature does not verify")
                signed = True
    if not signed:
        raise NoteError("no known key signed this")
    return text


def split(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text, and each signature line as key name and key id ‖ signature. Errors: NoteError."""
    if not note.endswith("\n") or any(ord(letter) < 0x20 and letter != "\n" for letter in note):
        raise NoteError("not a signed note")
    # "the text is separated from the signatures by the last empty line in the note"
    text, separator, block = note.rpartition("\n\n")
    if not separator or not block:
        raise NoteError("not a signed note")
    return text + "\n", [_signature(line) for line in block[:-1].split("\n")]


def _signature(line: str) -> tuple[str, bytes]:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    raw = decode(encoded)
    if not line.startswith(_DASH) or not space or not is_name(name) or len(raw) <= ID_BYTES:
        raise NoteError("not a signature line")
    return name, raw


def encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def decode(text: str) -> bytes:
    """Standard base64 (RFC 4648, section 4), in its one canonical form. Errors: NoteError."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("not base64") from None
    if encode(raw) != text:
        raise NoteError("not base64")
    return raw
