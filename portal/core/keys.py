"""The key store: one key a case, outside the database and its backups.

Destroying a key destroys, in every file and every backup, whatever was sealed under it. Locally the store is a
folder; in production a key management service takes its place behind the same four functions.
"""

import os
import secrets
from pathlib import Path
from uuid import UUID

from django.conf import settings

KEY_BYTES = 32


class KeyDestroyed(LookupError):
    """The key is gone, and with it what it sealed."""


def _path(key_id: UUID) -> Path:
    return Path(settings.KEY_STORE) / key_id.hex[:2] / f"{key_id.hex}.key"


def create(key_id: UUID) -> None:
    """Write a new random key, durable before this returns. Errors: FileExistsError when the id is taken."""
    path = _path(key_id)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, secrets.token_bytes(KEY_BYTES))
        os.fsync(handle)
    finally:
        os.close(handle)
    _sync_folder(path.parent)


def read(key_id: UUID) -> bytes:
    try:
        return _path(key_id).read_bytes()
    except FileNotFoundError:
        raise KeyDestroyed(str(key_id)) from None


def exists(key_id: UUID) -> bool:
    return _path(key_id).exists()


def destroy(key_id: UUID) -> None:
    """Remove the key; removing one that is gone is no error.

    The bytes are overwritten first. A journaling or flash file system may still keep an old block, so production
    puts the store on an encrypted volume or in a key management service.
    """
    path = _path(key_id)
    try:
        with path.open("r+b") as file:
            file.write(bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
    except FileNotFoundError:
        return
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
