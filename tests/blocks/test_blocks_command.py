"""What the operator does when the block list cannot be asked as it must be; each way out leaves an entry."""

from io import StringIO
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command

from matching import service
from matching.models import Block, BlockList
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.core import keys
from tests.matching.builders import unit_rows

pytestmark = pytest.mark.django_db


def blocks(*arguments: str) -> str:
    out = StringIO()
    call_command("blocks", *arguments, stdout=out)
    return out.getvalue()


def block(seed: int) -> UUID:
    block_id = uuid4()
    service.block(block_id, unit_rows(1, seed=seed))
    return block_id


def test_it_counts_what_is_there() -> None:
    block(1)
    keys.destroy(block(2))
    Block.objects.filter(id=block(3)).update(recogniser="0" * 64)
    assert "3 in force, 1 of them asleep under this pack, 1 unreadable; 0 addresses exempted" in blocks()
    assert not Entry.objects.exists()


def test_a_block_whose_key_is_lost_is_given_up_and_the_others_stay() -> None:
    kept, lost = block(1), block(2)
    keys.destroy(lost)
    assert "1 given up" in blocks("--give-up-unreadable")
    assert service.active_blocks([kept, lost]) == {kept}
    entry = Entry.objects.get()
    assert (entry.tag, entry.about) == (Tag.BLOCKS_GIVEN_UP, str(lost))


def test_sleep_is_accepted_for_the_pack_in_use_alone() -> None:
    Block.objects.filter(id=block(1)).update(recogniser="0" * 64)
    blocks("--let-sleep")
    entry = Entry.objects.get()
    assert (entry.tag, entry.detail) == (Tag.BLOCKS_LET_SLEEP, {"pack": "dlib", "asleep": 1})
    assert BlockList.objects.get().sleep_accepted_for not in ("", "0" * 64)
