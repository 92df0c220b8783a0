"""Pages that say the same to everyone."""

import re

import pytest
from django.template.loader import render_to_string
from django.test import Client

from portal.policies import retention
from portal.residents import retention_table

PAGES = ["", "about/", "privacy/", "accessibility/", "status/", "request/place/"]


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("path", PAGES)
def test_it_shows_the_page(path: str, language: str) -> None:
    page = Client().get(f"/{language}/{path}")
    assert page.status_code == 200
    assert f'<html lang="{language}"' in page.content.decode()


@pytest.mark.django_db
def test_it_leads_to_the_same_page_in_the_other_language() -> None:
    page = Client().get("/en/privacy/").content.decode()
    assert 'href="/fr/privacy/" lang="fr"' in page


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "fr"])
def test_it_answers_an_unknown_page_in_the_language_of_its_address(language: str) -> None:
    answer = Client().get(f"/{language}/nowhere/")
    assert answer.status_code == 404
    assert f'<html lang="{language}"' in answer.content.decode()


def test_it_can_say_that_something_went_wrong_without_knowing_anything() -> None:
    assert "Something went wrong" in render_to_string("500.html")


@pytest.mark.django_db
def test_it_tells_how_long_each_record_is_kept() -> None:
    assert set(retention_table.WORDS) == set(retention.ALL)
    page = Client().get("/en/privacy/").content.decode()
    for row in retention_table.rows():
        assert row.period in page


@pytest.mark.django_db
def test_it_loads_nothing_from_elsewhere() -> None:
    for path in PAGES:
        answer = Client().get(f"/en/{path}")
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert not re.search(r'(?:src|action)="(?:https?:)?//', answer.content.decode())
