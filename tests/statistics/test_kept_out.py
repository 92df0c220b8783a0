"""What a regulator reads of the block list: rounded, never a small number, a month once it is over."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from matching.models import Block, BlockState, Screening
from portal.core import clock
from portal.statistics.figures import KeptOut
from tests.statistics.build import released

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "regulator"])
MARCH, APRIL = datetime(2026, 3, 31, 23, 59, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)


def blocks(count: int, *, state: BlockState = BlockState.ACTIVE) -> None:
    for _ in range(count):
        Block.objects.create(
            id=uuid4(), state=state, recogniser="", templates=1, changed_in=1, made_at=clock.now(), sealed=b""
        )


def screened(at: datetime, *, images: int, refused: int) -> None:
    Screening.objects.create(started_at=at, blocks=1, images=images, faces=0, refused=refused)


@pytest.mark.parametrize(("count", "told"), [(0, None), (9, None), (10, 10), (14, 10), (15, 15)])
def test_blocks_in_force_are_told_in_fives_from_ten_on(count: int, told: int | None) -> None:
    blocks(count)
    blocks(20, state=BlockState.REVOKED)
    assert released().blocks == told


def test_a_month_is_told_once_it_is_over_and_its_small_numbers_never() -> None:
    screened(MARCH, images=1000, refused=8)
    screened(MARCH, images=234, refused=9)
    screened(APRIL, images=12, refused=3)
    screened(datetime.now(UTC), images=500, refused=100)
    march, april = (at.date().replace(day=1) for at in (MARCH, APRIL))
    assert released().kept_out == (KeptOut(march, 1230, 15), KeptOut(april, 10, None))
