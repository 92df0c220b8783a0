"""The made-up year of the demo: figures for a regulator's page, and nothing for anybody else."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from portal.audit.models import Entry
from portal.cases.models import Case
from portal.core import keys
from portal.jobs import run
from portal.jobs.models import Job
from portal.operations import requeue
from portal.statistics import queries
from portal.statistics.figures import Numbers

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "regulator"])


def make_up() -> None:
    call_command("demo_year", stdout=StringIO())


def released() -> Numbers:
    newest = queries.released()
    assert newest is not None
    return newest.numbers


def test_a_regulator_sees_a_year() -> None:
    make_up()
    numbers = released()
    assert 800 < numbers.received == numbers.closed < 1500
    assert all(week.received > 0 for week in numbers.weeks[:-1])
    assert len(numbers.places) >= 6
    assert numbers.images_deleted > 1000
    assert numbers.overdue == 0
    assert set(numbers.times) == {"closed", "hidden", "removed", "purged"}


def test_it_makes_no_work_no_key_and_no_trail() -> None:
    make_up()
    requeue.pick_up()
    run.drain()
    assert not Job.objects.exclude(state="done").exists()
    assert not any(keys.exists(key) for key in Case.objects.values_list("key_id", flat=True))
    assert not Entry.objects.exists()


def test_there_is_one_year_and_only_in_a_demo(settings: Settings) -> None:
    make_up()
    with pytest.raises(CommandError, match="there already"):
        make_up()
    settings.DEMO = False
    with pytest.raises(CommandError, match="DEMO is not 1"):
        make_up()
