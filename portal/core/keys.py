"""The key store: one key a case, outside the database and its backups.

Destroying a key destroys, in every file and every backup, whatever was sealed under it. Locally the store is a
folder; in production a key management service takes its place behind the same four functions.
"""

import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.conf import settings

from portal.core.files import sync_folder

KEY_BYTES = 32


class KeyDestroyed(LookupError):
    """The key is gone, and with it what it sealed."""


def _path(key_id: UUID) -> Path:
    return Path(settings.KEY_STORE) / key_id.hex[:2] / f"{key_id.hex}.key"


def create(key_id: UUID) -> None:
    """Write a new random key, durable before this returns. Errors: FileExistsError when the id is taken.

    The key gets its name once it is whole and on the disk: a full disk or a kill leaves nothing that passes for one.
    """
    path = _path(key_id)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    sync_folder(path.parent.parent)
    with _alone_in(path.parent):
        _partial(path).unlink(missing_ok=True)  # of a process that was killed
        if _is_whole(path):
            raise FileExistsError(str(key_id))
        path.unlink(missing_ok=True)
        _write(path)


def _write(path: Path) -> None:
    partial = _partial(path)
    try:
        _write_durably(partial, secrets.token_bytes(KEY_BYTES))
        os.link(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    sync_folder(path.parent)


def _write_durably(file: Path, content: bytes) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        if os.write(handle, content) != len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(handle)
    finally:
        os.close(handle)


def _partial(path: Path) -> Path:
    return path.with_suffix(".new")


def _is_whole(path: Path) -> bool:
    """An older version could leave an empty file where the disk was full, or its process killed."""
    try:
        return path.stat().st_size == KEY_BYTES
    except FileNotFoundError:
        return False


def read(key_id: UUID) -> bytes:
    """Errors: KeyDestroyed, for a key that is being destroyed or was never whole too."""
    try:
        key = _path(key_id).read_bytes()
    except FileNotFoundError:
        raise KeyDestroyed(str(key_id)) from None
    if len(key) != KEY_BYTES or not any(key):
        raise KeyDestroyed(str(key_id))
    return key


def exists(key_id: UUID) -> bool:
    return _is_whole(_path(key_id))


def destroy(key_id: UUID) -> None:
    """Remove the key; removing one that is gone is no error.

    The bytes are overwritten first. A journaling or flash file system may still keep an old block, so production
    puts the store on an encrypted volume or in a key management service.
    """
    path = _path(key_id)
    gone = [_overwrite_and_unlink(file) for file in (path, _partial(path))]
    if any(gone):
        sync_folder(path.parent)


def _overwrite_and_unlink(file: Path) -> bool:
    try:
        with file.open("r+b") as opened:
            opened.write(bytes(KEY_BYTES))
            opened.flush()
            os.fsync(opened.fileno())
        file.unlink()
    except FileNotFoundError:
        return False
    return True


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """While keys are put into it: nobody takes another process's unfinished file for one left behind."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
