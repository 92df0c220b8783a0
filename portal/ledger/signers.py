"""The log's keys and the newest checkpoint it signed: files beside the cases' keys, outside the database.

`signers` holds one C2SP signer key a line; the first is the newest, and every one of them signs. `head` is the newest
checkpoint this machine signed. A database restored from a backup does not match it, and then nothing is signed.
"""

import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from portal.core.files import sync_folder
from portal.ledger import note
from portal.ledger.note import ED25519, KEY_BYTES, NoteError, Signer, Verifier

_PREFIX = "PRIVATE+KEY+"


class NoKey(Exception):
    """The log has no key yet: `manage.py ledger create-key` makes one."""


class KeyExists(Exception):
    """The log has a key already; `manage.py ledger rotate-key` changes it."""


def folder() -> Path:
    return Path(settings.KEY_STORE) / "ledger"


def origin() -> str:
    """The log's name for good, as its first key recorded it. Errors: NoKey."""
    return load()[0].name


def create(name: str = "") -> Verifier:
    """Make the first key of a new, empty log. Errors: KeyExists, NoteError for a name that the standard forbids."""
    if not note.is_name(name or _default_origin()):
        raise NoteError("the log's name may hold neither a space nor a plus")
    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    if (folder() / "signers").exists():
        raise KeyExists
    signer = Signer(name or _default_origin(), secrets.token_bytes(KEY_BYTES))
    # The head first: a log that has a key and no head signs nothing.
    write_head("")
    write([signer])
    return signer.verifier


def _default_origin() -> str:
    """C2SP tlog-tiles: "the scheme-less URL prefix of the log with no trailing slashes"."""
    return urlsplit(settings.SITE_URL).netloc + "/ledger"


def load() -> list[Signer]:
    """Every key that signs, newest first. Errors: NoKey."""
    try:
        lines = (folder() / "signers").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise NoKey from None
    return [_signer(line) for line in lines if line]


def write(signers: list[Signer]) -> None:
    lines = [f"{_PREFIX}{one.name}+{one.verifier.key_id.hex()}+{_material(one)}\n" for one in signers]
    _write_durably(folder() / "signers", "".join(lines))


def verifiers() -> list[Verifier]:
    return [signer.verifier for signer in load()]


def head() -> str | None:
    """The newest checkpoint signed here, empty before the first; None when it must be shown from outside first."""
    try:
        return (folder() / "head").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def write_head(checkpoint: str) -> None:
    _write_durably(folder() / "head", checkpoint)


def hold() -> None:
    """Sign nothing until `ledger resume` is shown a checkpoint from outside; after every restore of a backup."""
    if folder().exists():
        (folder() / "head").unlink(missing_ok=True)
        sync_folder(folder())


def _signer(line: str) -> Signer:
    name, _plus, rest = line.removeprefix(_PREFIX).partition("+")
    material = note.decode(rest.partition("+")[2])
    if not line.startswith(_PREFIX) or len(material) != 1 + KEY_BYTES or material[0] != ED25519:
        raise NoteError("the log's key file is damaged")
    return Signer(name, material[1:])


def _material(signer: Signer) -> str:
    return note.encode(bytes([ED25519]) + signer.seed)


def _write_durably(path: Path, text: str) -> None:
    partial = path.with_name(f"{path.name}.new")
    partial.unlink(missing_ok=True)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)
