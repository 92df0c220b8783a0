"""Sealing, and that nothing opens once the key is gone."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pytest_django import Settings

from portal.core import keys, sealed


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
