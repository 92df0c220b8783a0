"""Whichever disk is full: nothing acknowledged is lost, nothing is half done, and all goes on once there is room."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client
from pytest_django import Settings

from matching import service
from matching.models import HarvestedImage
from matching.stores import blobs
from matching.types import Store
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.cases.models import Case
from portal.core import clock
from portal.jobs import kinds, run
from portal.takedowns import connectors
from portal.takedowns.models import Takedown
from portal.takedowns.removals import open_removal
from portal.takedowns.states import TakedownState
from tests.builders import astronaut_jpeg, indexed_image, mailed_code

pytestmark = pytest.mark.django_db(transaction=True)
TABLES = ("audit_entry", "takedowns_takedown", "takedowns_step", "takedowns_removal", "jobs_job", "matching_residue")


@pytest.fixture(autouse=True)
def quick_leases(settings: Settings) -> Iterator[None]:
    settings.LEASE = timedelta(milliseconds=1)
    kinds.register({"test.nothing": lambda subject: None})
    yield
    kinds.forget("test.nothing")


def no_room(*_args: Any, **_options: Any) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def full_database(table: str) -> Iterator[None]:
    """PostgreSQL's own error 53100, from inside: it cannot extend this table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$"
        )
        cursor.execute(f"CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON {table} EXECUTE FUNCTION no_room()")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION no_room CASCADE")


def work_through_it() -> None:
    """As a worker does that is started again whenever it ends."""
    for _ in range(5):
        with suppress(OperationalError):
            run.drain(most=20)


def finish() -> None:
    for _ in range(6):
        run.drain()
        clock.move(timedelta(hours=2))


def approve(*images: UUID) -> None:
    open_removal(uuid4(), images, job_when_removed="test.nothing", job_when_purged="test.nothing")


def assert_gone_once(image: UUID) -> None:
    assert not any(service.present(image, store) for store in Store)
    assert Takedown.objects.get().state == TakedownState.PURGED
    verified = [entry.detail["store"] for entry in Entry.objects.filter(tag=Tag.STEP_VERIFIED)]
    assert sorted(verified) == sorted(connectors.ALL)


@pytest.mark.parametrize("table", TABLES)
def test_a_full_database_delays_a_takedown_and_loses_nothing(table: str) -> None:
    image = indexed_image()
    approve(image)
    with full_database(table):
        work_through_it()
    finish()
    assert_gone_once(image)


def test_a_full_database_decides_nothing_by_halves() -> None:
    image = indexed_image()
    with full_database("takedowns_step"), pytest.raises(OperationalError):
        approve(image)
    finish()
    assert not Takedown.objects.exists()
    assert HarvestedImage.objects.get(pk=image).hidden_at is None


def test_a_full_disk_of_tombstones_holds_up_the_deed_they_record(monkeypatch: pytest.MonkeyPatch) -> None:
    image = indexed_image()
    approve(image)
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", no_room)
        work_through_it()
        assert HarvestedImage.objects.get(pk=image).hidden_at is None
    finish()
    assert_gone_once(image)


def test_a_full_image_store_ends_a_harvest_with_a_sentence_and_it_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photo.jpg").write_bytes(astronaut_jpeg(size=256))
    with monkeypatch.context() as full:
        full.setattr(blobs.store().fs, "pipe_file", no_room)
        with pytest.raises(CommandError, match="The image store cannot be written: No space left on device"):
            call_command("harvest", tmp_path, stdout=StringIO(), stderr=StringIO())
    assert not HarvestedImage.objects.exists()
    call_command("harvest", tmp_path, stdout=StringIO(), stderr=StringIO())
    image = HarvestedImage.objects.get()
    assert all(service.present(image.pk, store) for store in Store)


def test_a_full_key_store_keeps_no_contact_and_confirms_none(
    client: Client, drain: Callable[[], int], settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.KEY_STORE = tmp_path / "keys"  # an empty one: addresses that wait for their code share a key of the day
    client.raise_request_exception = False
    client.post("/en/request/place/", {"place": "CA-ON"})
    case = Case.objects.get()

    def goes_on_once_there_is_room(page: str, given: dict[str, str]) -> None:
        before = Case.objects.filter(pk=case.pk).values().get()
        with monkeypatch.context() as full:
            full.setattr(os, "write", no_room)
            assert client.post(page, given).status_code == 500
        assert Case.objects.filter(pk=case.pk).values().get() == before
        assert client.post(page, given).status_code == 302

    goes_on_once_there_is_room("/en/request/contact/", {"contact": "ana@example.org"})
    drain()
    case.refresh_from_db()
    goes_on_once_there_is_room("/en/request/code/", {"code": mailed_code(case)})
    case.refresh_from_db()
    assert case.has_keys
    assert case.proof == "contact"
