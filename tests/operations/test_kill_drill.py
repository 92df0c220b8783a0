"""The short form of the kill drill. The long one is `make drill`."""

import re
import subprocess
import sys

import pytest

from portal.local import variables
from portal.local.stack import PROJECT

pytestmark = [pytest.mark.stack, pytest.mark.enable_socket]


@pytest.mark.parametrize("broker", ["redis", "filesystem"])
def test_nothing_is_lost_or_doubled_whatever_is_killed(broker: str) -> None:
    options = ["--broker", broker, "--takedowns", "300", "--kills", "16", "--pause", "0.5"]
    done = subprocess.run(
        [sys.executable, "-m", "bench.drill", *options],
        cwd=PROJECT,
        env=variables.surroundings(),
        capture_output=True,
        text=True,
    )
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr
    assert re.fullmatch(r"takedowns 300 · kills 16 · lost 0 · doubled 0 · drained in [\d.]+ s", last), last
    assert done.returncode == 0
