"""The two lanes of the tests: `make test` runs everything, `make test-fast` what one runs on every save.

What the fast lane leaves out is chosen by markers, and most markers follow from what a test asks for: its folder or
a fixture. Only a test that is slow for a reason of its own is marked by hand, beside its code. At the end the fast
lane says what was left out, and which tests are slow enough to be marked.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

LEFT_OUT = ("browser", "stack", "milvus", "realfaces", "models", "slow", "commits")
BY_FOLDER = {"tests/browser": "browser"}
BY_FIXTURE = {
    "browser": "browser",
    "milvus_lite": "milvus",
    "astronaut": "models",
    "other_people": "models",
    "transactional_db": "commits",
    "live_server": "commits",
}
SLOW_FROM = 3.0  # seconds of a test in the fast lane, after which the end of the run names it
_COUNTS = "left_out"

left_out: Counter[str] = Counter()
slow: dict[str, float] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help=f"leave out what is marked {', '.join(LEFT_OUT)}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for marker in _markers(item, config.rootpath):
            item.add_marker(marker)
    if not config.getoption("--fast"):
        return
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        reason = next((name for name in LEFT_OUT if item.get_closest_marker(name)), None)
        (kept if reason is None else dropped).append(item)
        if reason is not None:
            left_out[reason] += 1
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept


def _markers(item: pytest.Item, root: Path) -> Iterator[str]:
    folder = item.path.parent.relative_to(root).as_posix()
    yield from {name for start, name in BY_FOLDER.items() if f"{folder}/".startswith(f"{start}/")}
    asked: Sequence[str] = getattr(item, "fixturenames", ())
    yield from {BY_FIXTURE[name] for name in asked if name in BY_FIXTURE}
    database = item.get_closest_marker("django_db")
    if database is not None and database.kwargs.get("transaction"):
        yield "commits"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    slow[report.nodeid] = slow.get(report.nodeid, 0.0) + report.duration


# Under pytest-xdist the workers collect and the first process reports.


def pytest_sessionfinish(session: pytest.Session) -> None:
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output[_COUNTS] = dict(left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    left_out.update(Counter(getattr(node, "workeroutput", {}).get(_COUNTS, {})) - left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not config.getoption("--fast"):
        return
    counts = ", ".join(f"{left_out[name]} {name}" for name in LEFT_OUT if left_out[name])
    terminalreporter.section("left out of the fast lane")
    terminalreporter.line(f"{left_out.total()} tests: {counts}. `make test` runs them.")
    for test, seconds in sorted(slow.items(), key=lambda each: -each[1]):
        if seconds >= SLOW_FROM:
            terminalreporter.line(f"{seconds:.1f} s: {test} (mark it `slow`, if it is so on an idle machine)")
