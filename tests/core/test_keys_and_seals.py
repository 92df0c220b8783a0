"""Sealing, and that nothing opens once the key is gone."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID, uuid4

import pytest
from pytest_django import Settings

from portal.blocks.sealer import Sealer
from portal.core import keys, sealed
from portal.notices import signing


@pytest.fixture
def key_id(tmp_path: Path, settings: Settings) -> UUID:
    settings.KEY_STORE = tmp_path / "keys"
    key_id = uuid4()
    keys.create(key_id)
    return key_id


def test_what_is_sealed_opens_for_its_purpose_alone(key_id: UUID) -> None:
    box = sealed.seal(key_id, b"ana@example.org", purpose="contact")
    assert sealed.unseal(key_id, box, purpose="contact") == b"ana@example.org"
    with pytest.raises(sealed.SealBroken):
        sealed.unseal(key_id, box, purpose="photo")


def test_a_changed_byte_anywhere_breaks_the_seal(key_id: UUID) -> None:
    box = sealed.seal(key_id, b"photo", purpose="photo")
    for place in range(len(box)):
        changed = box[:place] + bytes([box[place] ^ 1]) + box[place + 1 :]
        with pytest.raises(sealed.SealBroken):
            sealed.unseal(key_id, changed, purpose="photo")


def test_another_cases_key_does_not_open_it(key_id: UUID) -> None:
    other = uuid4()
    keys.create(other)
    with pytest.raises(sealed.SealBroken):
        sealed.unseal(other, sealed.seal(key_id, b"photo", purpose="photo"), purpose="photo")


def test_nothing_opens_once_the_key_is_destroyed(key_id: UUID) -> None:
    box = sealed.seal(key_id, b"photo", purpose="photo")
    keys.destroy(key_id)
    keys.destroy(key_id)
    assert not keys.exists(key_id)
    with pytest.raises(keys.KeyDestroyed):
        sealed.unseal(key_id, box, purpose="photo")


def test_a_key_is_readable_by_its_owner_alone_and_never_replaced(key_id: UUID, tmp_path: Path) -> None:
    (file,) = tmp_path.rglob("*.key")
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        keys.create(key_id)


def case_key() -> bytes:
    key_id = uuid4()
    keys.create(key_id)
    return keys.read(key_id)


BLOCK = uuid4()
USES = {
    "block": lambda: Sealer().unseal(BLOCK, Sealer().seal(BLOCK, b"template")),
    "signing": signing.public_key,
    "case": case_key,
}


def no_room(*_args: Any, **_options: Any) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize("call", ["write", "fsync", "link"])
def test_a_full_disk_delays_a_key_and_leaves_nothing_behind(
    use: Callable[[], bytes], call: str, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.KEY_STORE = tmp_path / "keys"
    settings.KEY_STORE.mkdir()
    with monkeypatch.context() as full:
        full.setattr(os, call, no_room)
        with pytest.raises(OSError, match="No space left"):
            use()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert use()


def test_a_disk_that_is_full_half_way_through_a_key_leaves_none(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.KEY_STORE = tmp_path
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda _handle, content: len(content) // 2)
        with pytest.raises(OSError, match="No space left"):
            keys.create(BLOCK)
    keys.create(BLOCK)
    assert len(keys.read(BLOCK)) == keys.KEY_BYTES


KILLED = """
import os, signal, sys
from pathlib import Path
from uuid import UUID
from django.conf import settings
from portal.core import keys
settings.configure(KEY_STORE=Path(sys.argv[1]))
setattr(os, sys.argv[3], lambda *_: os.kill(os.getpid(), signal.SIGKILL))
keys.create(UUID(sys.argv[2]))
"""


@pytest.mark.parametrize("call", ["write", "fsync", "link"])
def test_a_process_killed_while_it_makes_a_key_is_no_hindrance_to_the_next(
    call: str, tmp_path: Path, settings: Settings
) -> None:
    settings.KEY_STORE = tmp_path
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(BLOCK), call], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not keys.exists(BLOCK)
    with pytest.raises(keys.KeyDestroyed):
        keys.read(BLOCK)
    assert USES["block"]() == b"template"
    assert [path.suffix for path in tmp_path.rglob("*") if path.is_file()] == [".key"]


@pytest.mark.parametrize("left", [b"", b"half"])
@pytest.mark.parametrize("key_id", [BLOCK, signing._KEY], ids=["block", "signing"])
def test_an_empty_key_that_an_older_version_left_is_made_again(
    key_id: UUID, left: bytes, tmp_path: Path, settings: Settings
) -> None:
    settings.KEY_STORE = tmp_path
    keys.create(key_id)
    (file,) = tmp_path.rglob("*.key")
    file.write_bytes(left)
    assert not keys.exists(key_id)
    assert USES["block" if key_id == BLOCK else "signing"]()
    assert len(keys.read(key_id)) == keys.KEY_BYTES


def test_a_key_whose_destruction_was_cut_short_opens_nothing_and_is_still_to_be_destroyed(
    key_id: UUID, tmp_path: Path
) -> None:
    (file,) = tmp_path.rglob("*.key")
    file.write_bytes(bytes(keys.KEY_BYTES))
    with pytest.raises(keys.KeyDestroyed):
        sealed.seal(key_id, b"photo", purpose="photo")
    assert keys.exists(key_id)


def test_destroying_a_key_destroys_what_a_killed_process_left_of_it(key_id: UUID, tmp_path: Path) -> None:
    (file,) = tmp_path.rglob("*.key")
    os.link(file, file.with_suffix(".new"))
    keys.destroy(key_id)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_asking_for_a_key_again_clears_what_a_killed_process_left_of_it(key_id: UUID, tmp_path: Path) -> None:
    (file,) = tmp_path.rglob("*.key")
    os.link(file, file.with_suffix(".new"))
    with pytest.raises(FileExistsError):
        keys.create(key_id)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file]
    assert keys.exists(key_id)


def test_processes_that_meet_over_one_key_get_the_same(tmp_path: Path, settings: Settings) -> None:
    settings.KEY_STORE = tmp_path
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: signing.seed(), range(32)))) == 1
