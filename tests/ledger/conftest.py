"""A log of its own for each test: its key store is empty at first, since the database is too."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

from portal.ledger import signers
from portal.ledger.note import Verifier

NAME = "log.example/ledger"


@pytest.fixture
def log_key(settings: Settings, tmp_path: Path, db: None) -> Verifier:
    settings.KEY_STORE = tmp_path / "key-store"
    return signers.create(NAME)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes], str]:
    def written(name: str, content: bytes) -> str:
        (tmp_path / name).write_bytes(content)
        return str(tmp_path / name)

    return written
