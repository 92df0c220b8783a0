"""Every period is stated once, in portal.policies; pages and mails take it from there."""

import ast
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
CATALOGUE = ROOT / "locale" / "fr" / "LC_MESSAGES" / "django.po"
SOURCES = [
    path
    for path in sorted((ROOT / "portal").rglob("*.py"))
    if not {"policies", "migrations"} & set(path.relative_to(ROOT).parts)
]
# They turn a period into words, and know what an hour is.
WORDS_OF_PERIODS = {"portal/core/durations.py", "portal/regulators/durations.py"}
UNITS = {"days", "hours", "minutes", "weeks"}
ENGLISH = r"(?:\d+|an?|one|two|three|five|six|seven|ten|twelve|fourteen|fifteen|thirty|sixty)"
PERIOD = re.compile(rf"\b{ENGLISH}\s+(?:minute|hour|day|week|month|year)s?\b", re.IGNORECASE)
FRENCH = r"(?:\d+|une?|deux|trois|cinq|six|sept|dix|douze|quatorze|quinze|trente|soixante)"
PERIODE = re.compile(rf"\b{FRENCH}\s+(?:minute|heure|jour|journée|semaine|mois|an|année)s?\b(?! fixe)", re.IGNORECASE)
# An age is no period; French says "18 ans" for both.
AGE = re.compile(r"under 18|18 or older")
# Sentences that state no period of ours.
NO_PROMISES = {
    "about five minutes": "how long it takes to fill in the form",
    "The portal was restored from a backup and is being brought up to date. Try again in a minute.": "advice",
    "%(images)s image a minute": "a rate that was measured",
    "Numbers below 10 are not told, others are rounded down to fives, and a month is told once it is over.": (
        "how the calendar divides the numbers"
    ),
}


def number(node: ast.expr) -> float | None:
    """The value of a number, or of a product of numbers; None for everything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, int | float) and not isinstance(node.value, bool) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        left, right = number(node.left), number(node.right)
        return None if left is None or right is None else left * right
    return None


def periods(tree: ast.AST) -> Iterator[int]:
    """The lines on which a period is written as a number."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "timedelta":
            literal = [keyword for keyword in node.keywords if keyword.arg in UNITS and number(keyword.value)]
            if literal or any(number(value) for value in node.args):
                yield node.lineno
        elif isinstance(node, ast.Constant) and node.value in (3600, 86_400):
            yield node.lineno


@pytest.mark.parametrize(
    "written",
    ["timedelta(days=14)", "datetime.timedelta(hours=2 * 12)", "timedelta(3)", "x = 7 * 24 * 3600", "f(86400)"],
)
def test_the_scan_finds_a_period(written: str) -> None:
    assert list(periods(ast.parse(written))) == [1]


def test_no_module_outside_policies_states_a_period() -> None:
    found = {
        f"{name}:{line}"
        for path in SOURCES
        if (name := str(path.relative_to(ROOT))) not in WORDS_OF_PERIODS
        for line in periods(ast.parse(path.read_text()))
    }
    assert found == set()


def test_no_page_or_mail_states_a_period_of_its_own() -> None:
    found = set()
    for message in read_po(BytesIO(CATALOGUE.read_bytes())):
        originals = message.id if isinstance(message.id, list | tuple) else (message.id,)
        translations = message.string if isinstance(message.string, list | tuple) else (message.string,)
        if (
            originals[0] not in NO_PROMISES
            and not AGE.search(originals[0])
            and (
                any(PERIOD.search(text) for text in originals)
                or any(PERIODE.search(text or "") for text in translations)
            )
        ):
            found.add(originals[0])
    assert found == set()


def test_no_template_states_a_period_beside_its_translations() -> None:
    found = set()
    for path in sorted((ROOT / "templates").rglob("*.*")):
        text = path.read_text()
        for sentence in NO_PROMISES:
            text = text.replace(sentence, "")
        if match := PERIOD.search(re.sub(r"\{\{ images \}\} images? a minute", "", text)):
            found.add(f"{path.relative_to(ROOT)}: {match[0]}")
    assert found == set()
