"""Regulators read releases: counted at fixed times, and the same until the next one."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from portal.cases.states import State
from portal.core import clock
from portal.jobs import run
from portal.jobs.models import Job
from portal.policies import timetable
from portal.statistics import queries, releases
from portal.statistics.models import Release
from tests.builders import make_case
from tests.statistics.build import released

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "regulator"])
PAGE, CSV = "/en/regulator/", "/en/regulator/numbers.csv"


def read(client: Client, path: str) -> str:
    """Without what is random on each page."""
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", client.get(path).content.decode())


def test_nothing_that_happens_between_two_releases_is_read(rita_client: Client) -> None:
    make_case(State.REVIEW)
    before = released()
    pages = [read(rita_client, path) for path in (PAGE, CSV)]
    make_case(State.REVIEW, address="bo@example.org")
    make_case(State.REFUSED, address="cy@example.org")
    newest = queries.released()
    assert newest is not None
    assert newest.numbers == before
    assert [read(rita_client, path) for path in (PAGE, CSV)] == pages
    assert released().received == 3


def test_they_are_made_at_fixed_times_by_a_worker(settings: Settings) -> None:
    settings.STATISTICS_EVERY = timedelta(hours=24)
    releases.plan_next()
    releases.plan_next()
    job = Job.objects.get(kind="statistics.release")
    assert job.run_at.astimezone(UTC).time() == datetime.min.time()
    assert timedelta(0) < job.run_at - clock.now() <= timedelta(hours=24)
    run.drain()
    assert queries.released() is None
    clock.move(timedelta(hours=24))
    run.drain()
    assert queries.released() is not None
    assert Job.objects.filter(kind="statistics.release", run_at__gt=clock.now()).count() == 1


def test_the_newest_alone_is_kept() -> None:
    released()
    make_case(State.CLOSED)
    assert released().closed == 1
    assert Release.objects.count() == 1


def test_a_release_reads_as_it_was_counted() -> None:
    make_case(State.REVIEW, place="EU")
    make_case(State.CLOSED)
    assert released() == releases.counted()


def test_before_the_first_one_the_page_says_so(rita_client: Client) -> None:
    page = rita_client.get(PAGE).content.decode()
    assert "Nothing was released yet" in page
    assert rita_client.get(CSV).status_code == 404


def test_daily_unless_told_otherwise(settings: Settings) -> None:
    assert timetable.RELEASE_EVERY == settings.STATISTICS_EVERY == timedelta(days=1)
