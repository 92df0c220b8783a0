"""The regulator's page: the same numbers as pictures, tables and a file; each look is recorded."""

import csv
from io import StringIO
from uuid import uuid4

import pytest
from django.test import Client

from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.cases.states import State
from portal.core import clock
from portal.takedowns.models import Removal
from portal.takedowns.states import RemovalState
from tests.builders import make_case
from tests.statistics.build import released

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "regulator"])
PAGE, CSV = "/en/regulator/", "/en/regulator/numbers.csv"
BOTH = pytest.mark.parametrize("path", [PAGE, CSV])


@BOTH
def test_each_look_is_one_entry(rita: User, rita_client: Client, path: str) -> None:
    released()
    assert rita_client.get(path).status_code == 200
    assert Entry.objects.get(tag=Tag.STATISTICS_VIEWED).actor == rita.pk


@BOTH
def test_staff_find_no_such_page(sam_client: Client, path: str) -> None:
    assert sam_client.get(path).status_code == 404
    assert not Entry.objects.filter(tag=Tag.STATISTICS_VIEWED).exists()


@BOTH
def test_strangers_are_sent_to_sign_in(client: Client, db: None, path: str) -> None:
    assert client.get(path)["Location"] == f"/en/staff/sign-in/?next={path}"


@BOTH
def test_it_is_only_read(rita_client: Client, path: str) -> None:
    assert rita_client.post(path).status_code == 405


@BOTH
def test_it_is_kept_by_no_browser(rita_client: Client, path: str) -> None:
    released()
    assert "no-store" in rita_client.get(path)["Cache-Control"]


def test_the_page_shows_counts_without_any_way_to_a_case(rita_client: Client) -> None:
    case = make_case(State.REVIEW)
    make_case(State.SETTLED, place="CA-QC")
    released()
    page = rita_client.get(PAGE).content.decode()
    assert "<b>2</b> cases received" in page
    assert "Quebec" in page
    assert "/staff/cases/" not in page
    assert case.reference not in page
    assert str(case.code) not in page


def test_no_drawing_needs_an_inline_style(rita_client: Client) -> None:
    make_case(State.REVIEW)
    released()
    page = rita_client.get(PAGE).content.decode()
    assert "<rect" in page
    assert " style=" not in page
    assert "<style" not in page


def test_it_reads_well_with_nothing_yet(rita_client: Client) -> None:
    released()
    assert "No case yet." in rita_client.get(PAGE).content.decode()


def test_the_file_is_one_table_of_codes(rita_client: Client) -> None:
    make_case(State.REVIEW)
    released()
    answer = rita_client.get(CSV)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="takedown-numbers-')
    rows = list(csv.DictReader(StringIO(answer.content.decode())))
    told = {(row["group"], row["name"], row["measure"]): row["value"] for row in rows}
    assert told["total", "received", "count"] == "1"
    assert told["state", "open", "cases"] == "1"
    assert told["place", "CA-ON ca-pipeda", "open"] == "1"


def test_the_file_is_the_same_in_both_languages(rita_client: Client) -> None:
    make_case(State.REVIEW)
    released()
    assert rita_client.get(CSV).content == rita_client.get("/fr/regulator/numbers.csv").content


@pytest.mark.parametrize(("language", "words"), [("en", "Log not seen at 1 of 1 purges"), ("fr", "Journal non vu")])
def test_a_purge_whose_log_was_not_seen_is_told(rita_client: Client, language: str, words: str) -> None:
    Removal.objects.create(
        origin=uuid4(), state=RemovalState.PURGED, opened_at=clock.now(), purged_at=clock.now(), log_checked=False
    )
    released()
    assert words in rita_client.get(f"/{language}/regulator/").content.decode()


def test_where_every_log_was_seen_nothing_is_said_of_it(rita_client: Client) -> None:
    released()
    assert "Log not seen" not in rita_client.get(PAGE).content.decode()
