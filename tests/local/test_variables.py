"""The environment variables: read from .env, documented, and never guessed where they matter."""

import re
from pathlib import Path

from portal.local import variables
from portal.local.stack import PROJECT


def test_every_variable_is_documented() -> None:
    example = (PROJECT / ".env.example").read_text(encoding="utf-8")
    documented = set(re.findall(r"^#?([A-Z_]+)=", example, flags=re.MULTILINE))
    assert documented >= set(variables.VARIABLES)


def test_every_variable_the_settings_read_is_known() -> None:
    settings = (PROJECT / "portal" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r"""env\.\w+\(\s*"([A-Z_]+)\"""", settings))
    assert read
    assert read <= set(variables.VARIABLES)


def test_it_reads_a_file_of_names_and_values(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# SECRET_KEY=no\nSECRET_KEY = 'a=b c'\nexport PACK=\"dlib\"\nPORT=\nnonsense\n", encoding="utf-8")
    assert variables.read_file(file) == {"SECRET_KEY": "a=b c", "PACK": "dlib"}
    assert variables.read_file(tmp_path / "none") == {}


def test_the_example_as_it_stands_leaves_the_demo_alone() -> None:
    assert variables.read_file(PROJECT / ".env.example") == {}


def test_a_secret_stays_the_same(tmp_path: Path) -> None:
    first = variables.kept_secret(tmp_path, "SECRET_KEY")
    assert variables.kept_secret(tmp_path, "OTHER") != first
    assert variables.kept_secret(tmp_path, "SECRET_KEY") == first
