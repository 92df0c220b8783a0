"""Every command that README.md names is there, and takes what README.md gives it.

That one of them does its work beside a running stack is in tests/local/test_manage_joins.py.
"""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from django.core.management import ManagementUtility, get_commands, load_command_class

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MANAGE = sorted(set(re.findall(r"\./manage\.py [a-z_]+[^`#\n]*", README)))
MAKE = sorted(set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE)))


def test_readme_names_what_is_looked_at_here() -> None:
    assert len(MANAGE) >= 8
    assert {"run", "test", "test-fast"} <= set(MAKE)
    assert not re.search(r"(?<!\./)\bmanage\.py [a-z]", README), "without ./ it does not work as it is written"


@pytest.mark.parametrize("line", MANAGE)
def test_manage_takes_it_as_it_is_written(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    _program, name, *arguments = shlex.split(line)
    with pytest.raises(SystemExit) as ended:
        ManagementUtility(["manage.py", name, "--help"]).execute()
    assert ended.value.code == 0
    assert f"manage.py {name}" in capsys.readouterr().out
    if "--help" not in arguments:
        command = load_command_class(get_commands()[name], name)
        command.create_parser("manage.py", name).parse_args(arguments)


@pytest.mark.parametrize("target", MAKE)
def test_make_has_the_target(target: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", "--silent", target], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
