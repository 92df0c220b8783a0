"""One door: what enters is whole and exact, what is known or blocked stays out, and there is no other way in."""

import ast
import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.db import connection

import matching
import portal
from matching import service
from matching.harvest import admission
from matching.harvest.admission import Admitted, Arrival, Photo
from matching.index.protocol import FaceRows
from matching.models import Face, HarvestedImage, Intake
from matching.provenance import addresses
from matching.stores import blobs
from matching.types import Store
from tests.matching import builders

PAGE = "https://photos.example/álbum?id=1"


def arrival(*, content: bytes = b"a photo", page: str = PAGE, address: str = "", held: bool = False) -> Arrival:
    return Arrival(
        uuid4(),
        hashlib.sha256(content).digest(),
        page=page,
        site="photos.example",
        harvested_on=date(1999, 12, 31),
        country="FR",
        address=address,
        width=640,
        height=480,
        photo=Photo(content, b"upright") if held else None,
    )


def faces_of(*image_ids: UUID, dim: int = 128) -> FaceRows:
    count = len(image_ids)
    boxes = np.arange(4 * count, dtype=np.int32).reshape(count, 4) - 2  # a box may begin outside the photo
    scores = np.linspace(0.5, 0.75, count, dtype=np.float32)
    return FaceRows(image_ids, boxes, scores, builders.unit_rows(count, dim=dim))


def admit(arrivals: Sequence[Arrival], faces: FaceRows) -> Admitted:
    with admission.one_harvest():
        return admission.admit(arrivals, faces)


@pytest.mark.django_db
def test_every_field_of_an_image_arrives() -> None:
    image = arrival(address="https://cdn.example/1.jpg", held=True)
    admit([image], faces_of())
    kept = HarvestedImage.objects.get()
    assert (kept.id, kept.page, kept.site, kept.country) == (image.image_id, PAGE, "photos.example", "FR")
    assert (kept.width, kept.height, kept.harvested_on) == (640, 480, date(1999, 12, 31))
    assert bytes(kept.file_digest) == image.file_digest
    assert bytes(kept.page_digest) == addresses.digest(PAGE)
    assert bytes(kept.address_digest) == addresses.digest("https://cdn.example/1.jpg")
    assert kept.hidden_at is None
    assert blobs.store().image(kept.id) == b"a photo"
    assert not Intake.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 3, 2049])  # 2049: the copy is built in more than one block
def test_every_field_of_a_face_arrives(count: int) -> None:
    images = [arrival(content=str(n).encode()) for n in range(3)]
    faces = faces_of(*(images[n % 3].image_id for n in range(count)), dim=64)
    assert admit(images, faces).faces == count

    kept = list(Face.objects.order_by("box_left"))
    assert [face.image_id for face in kept] == list(faces.image_ids)
    sides = [(face.box_left, face.box_top, face.box_right, face.box_bottom) for face in kept]
    assert np.array_equal(np.array(sides), faces.boxes)
    assert np.array_equal(np.array([face.score for face in kept], np.float32), faces.scores)
    stored = np.array([face.embedding for face in kept], np.float16)
    assert np.array_equal(stored, faces.rows.astype(np.float16))


@pytest.mark.django_db
def test_it_counts_what_is_known_and_lets_it_in_once() -> None:
    first, again, elsewhere = arrival(), arrival(), arrival(page="https://other.example/")
    batch = [first, again, elsewhere]
    admitted = admit(batch, faces_of(*(image.image_id for image in batch)))
    assert admitted.image_ids == {first.image_id, elsewhere.image_id}
    assert (admitted.faces, admitted.already) == (2, 1)
    assert admit([arrival()], faces_of()).already == 1
    assert HarvestedImage.objects.count() == service.index_size() == 2


@pytest.mark.django_db
def test_an_image_with_a_blocked_face_stays_out_with_all_its_faces() -> None:
    group, single = arrival(content=b"of two", held=True), arrival(content=b"of one", held=True)
    faces = faces_of(group.image_id, single.image_id, group.image_id)
    service.block(uuid4(), faces.rows[2:])
    admitted = admit([group, single], faces)
    assert admitted == Admitted(frozenset({single.image_id}), faces=1, already=0, refused=1)
    assert not any(service.present(group.image_id, store) for store in Store)
    assert not Intake.objects.exists()


@pytest.mark.django_db
def test_what_came_without_a_photo_can_be_erased_and_shows_nothing() -> None:
    image = arrival()
    admit([image], faces_of(image.image_id))
    assert service.preview(image.image_id, Face.objects.get().pk, clear=True) is None
    assert [store for store in Store if service.present(image.image_id, store)] == [Store.INDEX]
    for store in Store:
        service.erase(image.image_id, store)
    assert not any(service.present(image.image_id, store) for store in Store)


@pytest.mark.django_db
def test_a_fault_in_the_index_leaves_neither_row_nor_photo(own_store: Path) -> None:
    image = arrival(held=True)
    faces = faces_of(image.image_id)
    faces.rows[0, 0] = np.nan
    with pytest.raises(Exception, match="NaN"):
        admit([image], faces)
    assert not [path for path in own_store.rglob("*") if path.is_file()]


def modules() -> Iterator[Path]:
    for package in (matching, portal):
        yield from Path(package.__path__[0]).rglob("*.py")


ONLY_MULTIPLIES = "from matching.index import Int8Probes"


def reaches_the_index(tree: ast.Module) -> bool:
    imported = (ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.Import))
    return any("index" in line and line != ONLY_MULTIPLIES for line in imported)


def adds(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.Attribute) and node.attr == "add" for node in ast.walk(tree))


@pytest.mark.django_db(transaction=True)
def test_a_harvest_that_ended_is_on_the_disk() -> None:
    """Its batches do not wait for it."""

    def place(function: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}() - '0/0'::pg_lsn")
            return int(cursor.fetchone()[0])

    with admission.one_harvest():
        image = arrival()
        admission.admit([image], faces_of(image.image_id))
        written = place("pg_current_wal_insert_lsn")
    assert place("pg_current_wal_flush_lsn") >= written


def test_nobody_else_adds_to_the_index() -> None:
    trees = {path: ast.parse(path.read_text()) for path in modules() if "migrations" not in path.parts}
    callers = {path.name for path, tree in trees.items() if reaches_the_index(tree) and adds(tree)}
    assert callers == {"admission.py"}


WRITES = re.compile(
    r"\b(Face|HarvestedImage)(\(|\.objects\.(create|bulk_create|get_or_create|update_or_create))(?!models)"
    r"|INTO matching_(face|harvestedimage)|COPY matching_(face|harvestedimage)[^;\"]*?FROM STDIN"
)


def test_nobody_else_writes_its_tables() -> None:
    code = {path.name: path.read_text() for path in modules() if "migrations" not in path.parts}
    assert {name for name, text in code.items() if WRITES.search(text)} == {"admission.py", "pgvector.py"}
