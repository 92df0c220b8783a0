"""Pages that say the same to everyone."""

import pytest
from django.test import Client

PAGES = ["", "about/", "privacy/", "accessibility/", "status/", "request/place/"]


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("path", PAGES)
def test_it_shows_the_page(path: str, language: str) -> None:
    page = Client().get(f"/{language}/{path}")
    assert page.status_code == 200
    assert f'<html lang="{language}"' in page.content.decode()
