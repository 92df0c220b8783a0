"""`manage.py disclosures FILE`: nothing lost, nothing twice, and what is wrong said without quoting it."""

import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from uuid import UUID, uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from matching import service
from matching.models import Disclosure
from matching.provenance import register
from matching.types import RegisterLine, Store
from portal.accounts.models import User
from portal.core import clock
from portal.jobs import kinds, run
from portal.notices.models import Item
from portal.takedowns import connectors, holds, moves
from portal.takedowns.connectors.base import Connector, Erasure, StoreError
from portal.takedowns.connectors.local import LocalStore
from portal.takedowns.models import HoldReason, Takedown
from portal.takedowns.removals import open_removal
from portal.takedowns.states import TakedownState
from tests.builders import indexed_image, look_at_hold

pytestmark = pytest.mark.django_db
WHEN = "2026-03-14T09:30:00-04:00"
Line = dict[str, object]


def line(image: UUID | str = "", *, client: str = "acme", address: str = "", shown_at: object = WHEN) -> Line:
    return {"shown_at": shown_at, "client": client, "agency": "Police", "image": str(image), "address": address}


def written(folder: Path, *lines: Line) -> Path:
    file = folder / "register.csv"
    with file.open("w", newline="", encoding="utf-8") as opened:
        rows = csv.DictWriter(opened, list(register.COLUMNS))
        rows.writeheader()
        rows.writerows(lines)
    return file


def take(file: Path) -> str:
    output = StringIO()
    call_command("disclosures", file, stdout=output, stderr=output)
    return output.getvalue().strip()


def refused(file: Path) -> str:
    output = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("disclosures", file, stdout=output, stderr=output)
    return f"{output.getvalue()}{caught.value}"


def test_who_was_shown_an_image_is_known_by_its_id_and_by_its_address(tmp_path: Path) -> None:
    image = indexed_image()
    page = service.identifiers_of([image])[image].page
    take(written(tmp_path, line(image), line(address=f"{page}/#top", client="beta"), line(uuid4(), client="gamma")))
    found = service.disclosures_of([image])
    assert [(shown.image_id, shown.client, shown.agency) for shown in found] == [
        (image, "acme", "Police"),
        (image, "beta", "Police"),
    ]
    assert found[0].shown_at == datetime(2026, 3, 14, 13, 30, tzinfo=UTC)


def test_no_address_is_kept_in_the_clear(tmp_path: Path) -> None:
    take(written(tmp_path, line(address="https://photos.example/of/ana")))
    kept = Disclosure.objects.values().get()
    assert "photos.example" not in str(kept)
    assert len(bytes(kept["address_digest"] or b"")) == 32


def test_the_same_file_again_adds_nothing(tmp_path: Path) -> None:
    file = written(tmp_path, line(uuid4()), line(uuid4()), line(address="https://photos.example/1"))
    assert take(file) == "3 lines added, 0 already there, 0 not taken"
    assert take(file) == "0 lines added, 3 already there, 0 not taken"
    assert Disclosure.objects.count() == 3


def test_a_longer_file_after_a_stop_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register, "BATCH", 2)
    lines = [line(uuid4()) for _ in range(5)]
    take(written(tmp_path, *lines[:3]))
    assert take(written(tmp_path, *lines)) == "2 lines added, 3 already there, 0 not taken"


def test_parquet_says_the_same_as_csv(tmp_path: Path) -> None:
    ids = [uuid4(), uuid4()]
    take(written(tmp_path, *(line(image) for image in ids)))
    at = [datetime(2026, 3, 14, 13, 30, tzinfo=UTC)] * 2
    table = pa.table(
        {
            "Shown_At": pa.array(at, pa.timestamp("us", "UTC")),
            "client": ["acme"] * 2,
            "agency": ["Police"] * 2,
            "image": pa.array([image.bytes for image in ids], pa.binary(16)),
            "operator": ["a column of their own"] * 2,
        }
    )
    pq.write_table(table, tmp_path / "register.parquet")
    assert take(tmp_path / "register.parquet") == "0 lines added, 2 already there, 0 not taken"


def test_a_bad_line_is_named_and_the_others_are_taken(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        line(uuid4()),
        line("not-an-id"),
        line(uuid4(), shown_at="last spring"),
        line(uuid4(), client="  "),
        line(),
        line(uuid4(), client="c" * 81),
    )
    told = refused(file)
    assert "line 3: image is no id" in told
    assert "line 4: shown_at is no time" in told
    assert "line 5: client is empty" in told
    assert "line 6: it names no image" in told
    assert "line 7: client is longer than 80 characters" in told
    assert "1 lines added, 0 already there, 5 not taken" in told
    assert "last spring" not in told
    assert "not-an-id" not in told
    assert Disclosure.objects.count() == 1


def test_a_line_with_too_many_columns_is_named(tmp_path: Path) -> None:
    file = tmp_path / "register.csv"
    file.write_text(f"shown_at,client,image\n{WHEN},acme,{uuid4()}\n{WHEN},acme,Police,{uuid4()}\n", encoding="utf-8")
    assert "line 3: it has 4 columns, the heading has 3" in refused(file)
    assert Disclosure.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"when,who\n", "lacks the columns shown_at, client, image or address"),
        (b"", "is empty: its first line must name the columns"),
        (b"shown_at,client,image,Client\n", "has the column client more than once"),
        (b"PAR1 and nothing of the kind", "is none, or was cut off"),
        (b"PK\x03\x04 and so on", "is a workbook or an archive: save the sheet as CSV in UTF-8"),
    ],
)
def test_a_file_that_is_no_register_is_refused_with_a_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "register.csv"
    file.write_bytes(content)
    assert said in refused(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "none.csv cannot be read: No such file or directory." in refused(tmp_path / "none.csv")


def test_a_time_without_offset_is_the_operators_own(tmp_path: Path) -> None:
    take(written(tmp_path, line(uuid4(), shown_at="2026-07-01 12:00:00")))
    assert Disclosure.objects.get().shown_at == datetime(2026, 7, 1, 16, 0, tzinfo=UTC)  # America/Toronto in summer


@pytest.mark.django_db(transaction=True)
def test_a_register_that_comes_after_the_removal_is_told_of_all_the_same(tmp_path: Path) -> None:
    kinds.register({"test.over": lambda _subject: None})
    removed, never_removed = indexed_image(), uuid4()
    open_removal(uuid4(), [removed], job_when_removed="test.over", job_when_purged="test.over")
    run.drain()
    for _ in range(2):
        take(written(tmp_path, line(removed), line(never_removed)))
    kinds.forget("test.over")
    item = Item.objects.get()
    assert (item.image_id, item.recipient.code) == (removed, "acme")


class Away(LocalStore):
    """The image store, which is away until it is mended: the recipients were told, the index still has the image."""

    mended = False

    def remove_many(self, erasures: Sequence[Erasure]) -> None:
        if not Away.mended:
            raise StoreError("away", permanent=False)
        super().remove_many(erasures)


@pytest.fixture
def on_its_way(monkeypatch: pytest.MonkeyPatch) -> Iterator[UUID]:
    """An image whose recipients were told, so far as was known, and that is not removed yet."""
    kinds.register({"test.over": lambda _subject: None})
    monkeypatch.setattr(Away, "mended", False)
    every: dict[str, Connector] = {**connectors.ALL, "images": Away(Store.IMAGES)}
    monkeypatch.setattr(connectors, "ALL", every)
    image = indexed_image()
    open_removal(uuid4(), [image], job_when_removed="test.over", job_when_purged="test.over")
    run.drain()
    assert not Item.objects.exists()
    yield image
    kinds.forget("test.over")


def register_by_address(folder: Path, image: UUID) -> Path:
    """As most registers name an image: once it is gone, nothing leads from the address to its id."""
    return written(folder, line(address=service.identifiers_of([image])[image].page))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("state", [TakedownState.REMOVING, TakedownState.STUCK])
def test_a_register_that_comes_while_a_removal_is_under_way_is_told_of_at_once(
    tmp_path: Path, on_its_way: UUID, state: str
) -> None:
    if state == TakedownState.STUCK:
        moves.move_takedown(Takedown.objects.get(), TakedownState.STUCK)
    for _ in range(2):
        take(register_by_address(tmp_path, on_its_way))
    item = Item.objects.get()
    assert (item.image_id, item.recipient.code) == (on_its_way, "acme")


@pytest.mark.django_db(transaction=True)
def test_before_the_index_forgets_an_image_it_is_looked_once_more_who_was_shown_it(on_its_way: UUID) -> None:
    page = service.identifiers_of([on_its_way])[on_its_way].page
    service.import_disclosures([RegisterLine("acme", "Police", datetime.now(UTC), address=page)])
    assert not Item.objects.exists()
    Away.mended = True
    clock.move(timedelta(hours=1))
    run.drain()
    assert not service.present(on_its_way, Store.INDEX)
    assert Item.objects.get().image_id == on_its_way


@pytest.mark.django_db(transaction=True)
def test_of_what_is_held_the_register_is_told_after_release(
    tmp_path: Path, on_its_way: UUID, sam: User, lee: User
) -> None:
    hold = holds.propose([on_its_way], HoldReason.LITIGATION, by=sam)
    take(register_by_address(tmp_path, on_its_way))
    assert not Item.objects.exists()
    look_at_hold(hold, lee)
    holds.decline(hold, by=lee)
    Away.mended = True
    clock.move(timedelta(hours=25))
    run.drain()
    assert Item.objects.get().image_id == on_its_way
