"""GET /api/v1/statistics/: the regulator's numbers for programs."""

import pytest
from django.test import Client

from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.cases.states import State
from tests.builders import make_case
from tests.statistics.build import released

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "regulator"])
PATH = "/api/v1/statistics/"


def test_it_is_there_for_regulators_alone(client: Client, sam_client: Client, ana: Client) -> None:
    for browser in (client, sam_client, ana):
        assert browser.get(PATH).status_code == 404
    assert not Entry.objects.filter(tag=Tag.STATISTICS_VIEWED).exists()


def test_it_tells_the_numbers_and_records_it(rita: User, rita_client: Client) -> None:
    make_case(State.REVIEW)
    released()
    answer = rita_client.get(PATH)
    assert answer.json()["received"] == 1
    assert answer.json()["states"] == {"open": 1, "closed": 0, "refused": 0}
    assert "no-store" in answer["Cache-Control"]
    assert Entry.objects.get(tag=Tag.STATISTICS_VIEWED).actor == rita.pk


def test_it_is_only_read(rita_client: Client) -> None:
    assert rita_client.post(PATH).status_code in (403, 405)
