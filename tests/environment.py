"""Loaded before Django's settings: a PostgreSQL of the tests' own, and an environment that names it.

Under pytest-xdist the first process starts it and the others, its children, inherit the environment.
"""

import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from portal.local.embedded import Cluster, EmbeddedError

_FOLDER = "TAKEDOWN_TESTS_FOLDER"
_cluster: Cluster | None = None


def _start() -> None:
    global _cluster
    folder = Path(tempfile.mkdtemp(prefix="takedown-tests-"))
    _cluster = Cluster(folder / "postgresql")
    try:
        _cluster.start()
    except EmbeddedError as error:
        # A machine that is short of memory or time kills or delays one start, and rarely two.
        print(f"{error} The tests try once more.", file=sys.stderr)  # noqa: T201
        _cluster.destroy()
        _cluster.start()
    owner = _cluster.superuser_url("postgres")
    os.environ.update(
        {
            _FOLDER: str(folder),
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "SECRET_KEY": secrets.token_urlsafe(32),
            "DATABASE_URL": owner,
            "DATABASE_OWNER_URL": owner,
            "DATABASE_REGULATOR_URL": owner,
            "CELERY_BROKER_URL": "memory://",
            "EMAIL_URL": "file:///" + str(folder / "mail").lstrip("/"),
            "IMAGE_STORE": f"file://{folder / 'images'}",
            "CALIBRATIONS": str(folder / "calibrations"),
            "ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
            "SITE_URL": "http://testserver",
            "OPERATOR_CONTACT": "privacy@operator.example",
            "PRIVACY_OFFICER": "Robin Example",
            "OPERATOR_ADDRESS": "1 Invented Street, Exampleville",
            "DEMO": "1",
            "DEBUG": "0",
            "COOLING_SECONDS": "0",
            "PURGE_SECONDS": "0",
        }
    )


if _FOLDER not in os.environ:
    _start()


# Each process has a database of its own, and a database has one file of tombstones.
_PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "one")
os.environ["TOMBSTONES"] = str(Path(os.environ[_FOLDER]) / "tombstones" / _PROCESS)
# What a test counts in the key store is its own process's too.
os.environ["KEY_STORE"] = str(Path(os.environ[_FOLDER]) / "keys" / _PROCESS)


def folder() -> Path:
    return Path(os.environ[_FOLDER])


def pytest_unconfigure(config: pytest.Config) -> None:
    if _cluster is not None:
        _cluster.destroy()
        shutil.rmtree(folder(), ignore_errors=True)
