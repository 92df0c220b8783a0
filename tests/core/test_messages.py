"""The check of the translations finds what is missing or wrong, and the ones in locale/ pass it."""

import shutil
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from portal.core import catalogues

KNOWN = 'msgid "Your code is %(code)s"\nmsgstr "Votre code est %(code)s"\n'


@pytest.fixture
def french(tmp_path: Path, settings: Settings) -> Path:
    """A copy of the French catalogue that a test may spoil."""
    shutil.copytree(settings.LOCALE_PATHS[0], tmp_path / "locale")
    settings.LOCALE_PATHS = [tmp_path / "locale"]
    return catalogues.file_of("fr")


def spoil(file: Path, found: str, put: str) -> None:
    text = file.read_text()
    assert found in text
    file.write_text(text.replace(found, put, 1))


def test_it_finds_french_complete() -> None:
    call_command("messages", check=True)


@pytest.mark.parametrize(
    ("put", "fault"),
    [
        ("", "missing: Your code is"),
        (KNOWN.replace("Votre code est %(code)s", ""), "empty: Your code is"),
        ("#, fuzzy\n" + KNOWN, "fuzzy: Your code is"),
        (KNOWN.replace("est %(code)s", "est %(cod)s"), "placeholders differ: Your code is"),
        (KNOWN.replace("est %(code)s", "est arrivé"), "placeholders differ: Your code is"),
    ],
)
def test_it_refuses_a_translation_that_is_missing_or_wrong(french: Path, put: str, fault: str) -> None:
    spoil(french, KNOWN, put)
    with pytest.raises(CommandError, match=fault.replace("(", r"\(")):
        call_command("messages", check=True)


def test_it_collects_a_new_string_and_keeps_the_others(french: Path) -> None:
    before = french.read_text()
    spoil(french, KNOWN, "")
    call_command("messages", update=True)
    assert 'msgid "Your code is %(code)s"\nmsgstr ""\n' in french.read_text()
    assert before.count("msgid ") == french.read_text().count("msgid ")


def test_it_changes_nothing_when_all_is_collected(french: Path) -> None:
    call_command("messages", update=True)
    once = french.read_text()
    call_command("messages", update=True)
    assert french.read_text() == once


def test_it_compiles_what_django_reads(french: Path) -> None:
    call_command("messages", compile=True)
    assert french.with_suffix(".mo").read_bytes()[:4] == b"\xde\x12\x04\x95"
