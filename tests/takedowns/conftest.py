"""What every test of removals may ask for."""

from collections.abc import Iterator

import pytest

from portal.jobs import kinds


@pytest.fixture
def over_kind() -> Iterator[None]:
    """The job kind that a removal of tests.takedowns.build reports to."""
    kinds.register({"test.over": lambda _subject: None})
    yield
    kinds.forget("test.over")
