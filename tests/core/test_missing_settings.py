"""With DEBUG off, a missing secret refuses to start and names the variable."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SECRETS = ("SECRET_KEY", "DATABASE_URL", "DATABASE_REGULATOR_URL", "KEY_STORE", "IMAGE_STORE")


@pytest.mark.parametrize("missing", SECRETS)
def test_it_refuses_to_start_and_names_it(missing: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != missing}
    environment["DJANGO_SETTINGS_MODULE"] = "portal.settings"
    started = subprocess.run(
        [sys.executable, "-c", "import django; django.setup()"],
        env=environment,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert started.returncode != 0
    assert f"{missing} is not set." in started.stderr
