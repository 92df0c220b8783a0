"""What every test may ask for."""

import fcntl
import socket
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.utils import translation

from matching.index import milvus
from portal.accounts.models import User
from portal.cases.models import Case
from portal.core import clock
from portal.jobs import run
from portal.local import embedded
from portal.operations.management.commands import roles
from tests import builders, environment

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if SHARED.is_dir():
        return
    absent = pytest.mark.skip(reason="needs the photos and models of ../shared, which is not beside the project")
    for item in items:
        if item.get_closest_marker("realfaces"):
            item.add_marker(absent)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real photos and models for tests, beside the project; only under the marker `realfaces`."""
    return SHARED


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    # Roles belong to the whole server, which parallel test processes share.
    with (environment.folder() / "roles.lock").open("w") as lock, django_db_blocker.unblock():
        fcntl.flock(lock, fcntl.LOCK_EX)
        call_command("roles", stdout=StringIO())
        # Between tests the tables are emptied at a stroke, which these refuse by right.
        with connections["default"].cursor() as cursor:
            for table in roles.APPEND_ONLY:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only_truncate")
            # They date what a test writes after it moved the clock.
            for table in ("audit_entry", "ledger_leaf"):
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER dated")
            cursor.execute(embedded.FOR_THE_OWNER.read_text())
    yield
    # No session may be left, or the database cannot be dropped: neither of the owner's or the regulator's role, nor of
    # a process that a test killed, which its server may not have noticed yet.
    with django_db_blocker.unblock():
        connections.close_all()
        with connections["default"].cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )


@pytest.fixture(autouse=True)
def same_start() -> Iterator[None]:
    """What a test moved or a request left behind, clock, language and tombstones, is put back."""
    translation.activate(settings.LANGUAGE_CODE)
    (Path(str(settings.MATCHING["TOMBSTONES"])) / "tombstones").unlink(missing_ok=True)
    yield
    clock.reset()


@pytest.fixture
def drain() -> Callable[[], int]:
    """Carry out every job that is due now, as a worker would."""
    return run.drain


@pytest.fixture
def no_index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Called, it turns the index into a Milvus for which nobody answers."""

    def goes_away() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        away = {"INDEX": "milvus", "MILVUS_URI": f"http://127.0.0.1:{port}"}
        monkeypatch.setattr(settings, "MATCHING", {**settings.MATCHING, **away})

    milvus.client.cache_clear()
    yield goes_away
    milvus.client.cache_clear()


# The fixed cast: Ana's session holds the case, Bo's does not, Sam and Lee are staff, Rita regulates.


@pytest.fixture
def ana_case(db: None) -> Case:
    return builders.make_case()


@pytest.fixture
def ana(ana_case: Case) -> Client:
    return builders.session_of(ana_case)


@pytest.fixture
def bo(db: None) -> Client:
    return builders.session_of(builders.make_case(address="bo@example.org"))


@pytest.fixture
def sam(db: None) -> User:
    return builders.make_account("sam")


@pytest.fixture
def lee(db: None) -> User:
    return builders.make_account("lee")


@pytest.fixture
def rita(db: None) -> User:
    return builders.make_account("rita", regulator=True)


@pytest.fixture
def sam_client(sam: User) -> Client:
    return builders.signed_in(sam)


@pytest.fixture
def lee_client(lee: User) -> Client:
    return builders.signed_in(lee)


@pytest.fixture
def rita_client(rita: User) -> Client:
    return builders.signed_in(rita)
