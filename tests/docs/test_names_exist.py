"""Whatever file or name the documentation and the code's own words cite is there."""

import importlib
import re
from functools import reduce
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
CODE = [file for folder in ("portal", "matching", "tests", "bench") for file in sorted((ROOT / folder).rglob("*.py"))]
# What begins with one of these, written as code, is a path of this repository.
OURS = ("portal/", "matching/", "tests/", "templates/", "docs/", "bench/", "locale/", ".ci/")
PATH = re.compile(rf"`((?:{'|'.join(map(re.escape, OURS))})[\w./-]*)`")
NAME = re.compile(r"(?<![\w./-])((?:portal|matching|tests|bench)(?:\.[A-Za-z_]\w*)+)(?![\w/])")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)")
CITED_PAGE = re.compile(r"(?<![\w/.-])((?:[\w-]+/)*[\w-]+\.md)\b")
NOT_A_NAME = {"md", "py", "toml", "example", "com"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_cites_what_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    absent = [path for path in PATH.findall(text) if not (ROOT / path).exists()]
    absent += [name for name in names(text) if not exists(name)]
    absent += [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    assert absent == []


def test_code_cites_what_exists() -> None:
    absent = []
    for file in CODE:
        text = file.read_text(encoding="utf-8")
        absent += [(file.name, name) for name in names(comments_of(text)) if not exists(name)]
        absent += [(file.name, page) for page in CITED_PAGE.findall(comments_of(text)) if not is_page(page)]
    assert absent == []


def test_a_name_that_does_not_exist_is_found() -> None:
    assert exists("matching.service.search")
    assert exists("portal.cases.models.Case.reference")
    assert not exists("matching.service.sought_in_vain")
    assert not exists("portal.absent")


def names(text: str) -> list[str]:
    return [name for name in NAME.findall(text) if name.rpartition(".")[2] not in NOT_A_NAME]


def comments_of(text: str) -> str:
    """Docstrings and comments, as they are written."""
    docstrings = re.findall(r'"""(.*?)"""', text, re.DOTALL)
    return "\n".join([*docstrings, *re.findall(r"#(.*)", text)])


def is_page(cited: str) -> bool:
    return any((folder / cited).exists() for folder in (ROOT, ROOT / "docs", ROOT / "docs" / "decisions"))


def exists(name: str) -> bool:
    """Whether it is a module, or something in one, such as a function, a class or a field."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        try:
            reduce(getattr, parts[cut:], module)
        except AttributeError:
            return False
        return cut > 1 or len(parts) == 1
    return False
