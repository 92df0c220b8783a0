"""The index beyond one machine: Milvus holds the faces; the rows of the images, and what is hidden, stay in PostgreSQL.

Every call asks for consistency level Strong: what was written before is seen. Embeddings are single-precision fields
that hold halves, because Milvus Lite knows no half-precision ones. Milvus's exact index (FLAT) only proposes, with
`exact.slack`; an answer that may have been cut off is asked for again in two parts.
"""

import functools
import importlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db import connection, transaction

from matching.errors import IndexAway, IndexUnusable
from matching.faces import unit
from matching.index import exact, pgvector
from matching.index.protocol import ELSEWHERE, FaceRows, Hit
from matching.types import Box, Embeddings

FACES = "takedown_faces"  # the collection
PARTITIONS = 64  # what one removal makes Milvus write anew is one of so many parts
AT_A_TIME = 1000  # rows asked for, or written, at once
MOST = 16_384  # hits a probe that Milvus gives at most
SIDES = ("box_left", "box_top", "box_right", "box_bottom")
EVERY_FIELD = ["id", "image_id", *SIDES, "score", "embedding"]
PLACE = f"milvus{ELSEWHERE}"  # begins the name of a partition where residues are noted
LOCK = 0x6D696C76  # shared by what changes faces, alone for what writes a partition anew

NEW_IDS = "SELECT nextval(pg_get_serial_sequence('matching_face', 'id')) FROM generate_series(1, %s)"
NOTE_RESIDUE = """
INSERT INTO matching_residue (image_id, relation, deleted_in)
SELECT image_id, relation, pg_current_xact_id()::text::bigint
FROM unnest(%s::uuid[], %s::text[]) AS dead (image_id, relation)
"""

Row = dict[str, Any]
Given = ParamSpec("Given")
Answer = TypeVar("Answer")


def as_index_away(ask: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """Turns every error of Milvus into IndexAway, which every caller of a store understands."""

    @functools.wraps(ask)
    def asked(*given: Given.args, **named: Given.kwargs) -> Answer:
        try:
            return ask(*given, **named)
        except Exception as error:
            if isinstance(error, milvus_errors()):
                raise IndexAway("The Milvus named by MILVUS_URI does not answer as it should.") from error
            raise

    return asked


def milvus_errors() -> tuple[type[Exception], ...]:
    """Empty if the package is missing; then Milvus was not asked either."""
    try:
        return importlib.import_module("pymilvus").MilvusException, importlib.import_module("grpc").RpcError
    except ModuleNotFoundError:
        return ()


class Milvus:
    elsewhere = True

    @as_index_away
    def add(self, faces: FaceRows) -> None:
        if not len(faces):
            return
        create(faces.rows.shape[1])
        with shared_lock():
            names = newest_partitions()
            rows = [face_row(*face) for face in zip(new_ids(len(faces)), *columns(faces), strict=True)]
            for number in {partition(row) for row in rows}:
                insert(names[number], [row for row in rows if partition(row) == number])

    @as_index_away
    def search(self, probes: Embeddings, *, at_least: float) -> list[Hit]:
        return self.sweep([probes], at_least=[at_least])[0]

    @as_index_away
    def operator_search(self, probes: Embeddings, *, at_least: float, limit: int) -> list[Hit]:
        hits = self.search(probes, at_least=at_least)
        hidden = pgvector.hidden_among([hit.image_id for hit in hits])
        return [hit for hit in hits if hit.image_id not in hidden][:limit]

    @as_index_away
    def sweep(self, groups: Sequence[Embeddings], *, at_least: Sequence[float]) -> list[list[Hit]]:
        kept = [exact.as_stored(group) for group in groups]
        asked = [group for group in kept if len(group)]
        if not asked or not exists():
            return [[] for _ in groups]
        proposed = iter(proposed_by(np.concatenate(asked), min(at_least)))
        ids = [set().union(*itertools.islice(proposed, len(group))) for group in kept]
        rows = faces_by_id(set().union(*ids))
        return [
            ranked([rows[face_id] for face_id in among if face_id in rows], group, least)
            for among, group, least in zip(ids, kept, at_least, strict=True)
        ]

    @as_index_away
    def searchable(self, image_ids: Sequence[UUID]) -> frozenset[UUID]:
        return images_present(image_ids) - pgvector.hidden_among(image_ids)

    @as_index_away
    def faces_of(self, image_id: UUID) -> dict[int, Box]:
        rows = rows_where(of_images([image_id]), ["id", *SIDES])
        return {row["id"]: Box(*(row[side] for side in SIDES)) for row in sorted(rows, key=lambda row: row["id"])}

    @as_index_away
    def embeddings(self, face_ids: Sequence[int]) -> Embeddings:
        rows = sorted(rows_where(f"id in {sorted(face_ids)}", ["id", "embedding"]), key=lambda row: row["id"])
        return unit(embeddings_in(rows)) if rows else np.zeros((0, 0), np.float32)

    @as_index_away
    def remove(self, image_ids: Sequence[UUID]) -> None:
        with shared_lock():
            faces = rows_where(of_images(image_ids), ["id", "image_id"])
            note_residue(faces)  # committed before Milvus forgets where they were
            if faces:
                client().delete(FACES, filter=of_images(image_ids))
            pgvector.PgVector().remove(image_ids)

    @as_index_away
    def present(self, image_ids: Sequence[UUID]) -> frozenset[UUID]:
        return images_present(image_ids) | pgvector.PgVector().present(image_ids)

    @as_index_away
    def size(self) -> int:
        return int(client().query(FACES, filter="", output_fields=["count(*)"])[0]["count(*)"]) if exists() else 0

    @as_index_away
    def rewrite(self, place: str) -> bool:
        """Copy the live rows to a new partition and drop the old one: Milvus's compaction may keep everything."""
        if not place.startswith(PLACE):
            return False
        number = int(place.removeprefix(PLACE))
        with exclusive_lock():
            old = [name for name in partitions() if number_of(name) == number]
            fresh = name_of(number, 1 + max(map(generation_of, old)))
            client().create_partition(FACES, fresh)
            copy(old, fresh)
            client().flush(FACES)
            for name in old:
                drop(name)
            return not set(old) & set(partitions())


@functools.cache
def client() -> Any:
    try:
        pymilvus = importlib.import_module("pymilvus")
    except ModuleNotFoundError:
        raise IndexUnusable(
            "INDEX=milvus needs the package pymilvus, which is not installed: install it, or set INDEX=postgresql."
        ) from None
    address = settings.MATCHING["MILVUS_URI"]
    if not address:
        raise IndexUnusable("INDEX=milvus needs MILVUS_URI, the address of the Milvus that holds the faces.")
    try:
        return pymilvus.MilvusClient(address, token=settings.MATCHING["MILVUS_TOKEN"])
    except pymilvus.MilvusException:
        raise IndexAway("The Milvus named by MILVUS_URI does not answer.") from None


def exists() -> bool:
    return bool(client().has_collection(FACES))


def create(dim: int) -> None:
    if exists():
        return
    kinds = importlib.import_module("pymilvus").DataType
    schema = client().create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", kinds.INT64, is_primary=True)
    schema.add_field("image_id", kinds.VARCHAR, max_length=36)
    for side in SIDES:
        schema.add_field(side, kinds.INT32)
    schema.add_field("score", kinds.FLOAT)
    schema.add_field("embedding", kinds.FLOAT_VECTOR, dim=dim)
    exactly = client().prepare_index_params()
    exactly.add_index("embedding", index_type="FLAT", metric_type="IP")
    client().create_collection(FACES, schema=schema, index_params=exactly, consistency_level="Strong")
    for number in range(PARTITIONS):
        client().create_partition(FACES, name_of(number, 0))


def proposed_by(probes: Embeddings, at_least: float, within: str = "") -> list[set[int]]:
    """For each probe, the ids of all faces that may be similar enough."""
    # Range search leaves out its own lower bound, which with `slack` is none that matters.
    bounds = {"radius": at_least - exact.rounding_slack(probes.shape[1]), "range_filter": 2.0}
    answers = client().search(
        FACES,
        data=list(probes),
        limit=MOST,
        filter=within,
        search_params={"metric_type": "IP", "params": bounds},
        output_fields=["id"],
        consistency_level="Strong",
    )
    ids = [sorted(hit["id"] for hit in hits) for hits in answers]
    return [
        set(some) if len(some) < MOST else in_two_parts(probe, at_least, within, some[MOST // 2])
        for probe, some in zip(probes, ids, strict=True)
    ]


def in_two_parts(probe: Embeddings, at_least: float, within: str, middle: int) -> set[int]:
    both = [f"({within}) and {half}" if within else half for half in (f"id < {middle}", f"id >= {middle}")]
    return set().union(*(proposed_by(probe[None], at_least, half)[0] for half in both))


def ranked(rows: Sequence[Row], probes: Embeddings, at_least: float) -> list[Hit]:
    if not rows:
        return []
    image_ids = [UUID(row["image_id"]) for row in rows]
    return exact.ranked([row["id"] for row in rows], image_ids, embeddings_in(rows), probes, at_least=at_least)


def faces_by_id(face_ids: Iterable[int]) -> dict[int, Row]:
    """Each face once: while a partition is rewritten, a face is in two."""
    wanted = sorted(face_ids)
    parts = [wanted[start : start + AT_A_TIME] for start in range(0, len(wanted), AT_A_TIME)]
    return {row["id"]: row for part in parts for row in rows_where(f"id in {part}")}


def embeddings_in(rows: Sequence[Row]) -> Embeddings:
    return np.array([row["embedding"] for row in rows], np.float32)


def rows_where(condition: str, fields: Sequence[str] = ("id", "image_id", "embedding")) -> list[Row]:
    return [row for rows in pages_of_rows(condition, fields, None) for row in rows] if exists() else []


def pages_of_rows(condition: str, fields: Sequence[str], among: Sequence[str] | None) -> Iterator[list[Row]]:
    """All rows that meet the condition, AT_A_TIME at once."""
    cursor = client().query_iterator(
        FACES, batch_size=AT_A_TIME, filter=condition, output_fields=list(fields), partition_names=among
    )
    try:
        while rows := cursor.next():
            yield list(rows)
    finally:
        cursor.close()


def images_present(image_ids: Sequence[UUID]) -> frozenset[UUID]:
    return frozenset(UUID(row["image_id"]) for row in rows_where(of_images(image_ids), ["id", "image_id"]))


def of_images(image_ids: Sequence[UUID]) -> str:
    return f"image_id in {[str(image_id) for image_id in image_ids]}"


def columns(faces: FaceRows) -> tuple[Any, ...]:
    return faces.image_ids, faces.boxes.tolist(), faces.scores.tolist(), exact.as_stored(faces.rows)


def face_row(face_id: int, image_id: UUID, box: Sequence[int], score: float, embedding: Embeddings) -> Row:
    sides = dict(zip(SIDES, box, strict=True))
    return {"id": face_id, "image_id": str(image_id), **sides, "score": score, "embedding": embedding}


def insert(name: str, rows: Sequence[Row]) -> None:
    for start in range(0, len(rows), AT_A_TIME):
        client().insert(FACES, list(rows[start : start + AT_A_TIME]), partition_name=name)


def new_ids(count: int) -> list[int]:
    """From the sequence of PostgreSQL's own faces, so that no id is given twice, whichever index is chosen."""
    with connection.cursor() as cursor:
        cursor.execute(NEW_IDS, [count])
        return [row[0] for row in cursor.fetchall()]


@transaction.atomic
def note_residue(faces: Sequence[Row]) -> None:
    dead = sorted({(row["image_id"], f"{PLACE}{partition(row)}") for row in faces})
    with connection.cursor() as cursor:
        cursor.execute(NOTE_RESIDUE, [[image_id for image_id, _ in dead], [place for _, place in dead]])


def copy(old: Sequence[str], fresh: str) -> None:
    """Copy each face once, even if an earlier copy was interrupted."""
    done: set[int] = set()
    for rows in pages_of_rows("", EVERY_FIELD, old):
        insert(fresh, [row for row in rows if row["id"] not in done])
        done.update(row["id"] for row in rows)


def drop(name: str) -> None:
    if not str(settings.MATCHING["MILVUS_URI"]).endswith(".db"):  # Milvus Lite neither has nor needs a release
        client().release_partitions(FACES, [name])
    client().drop_partition(FACES, name)


def partitions() -> list[str]:
    return [name for name in client().list_partitions(FACES) if name.startswith("part_")]


def newest_partitions() -> Mapping[int, str]:
    """The partition to which new faces are added, by number; while one is copied, that is the copy."""
    return {number_of(name): name for name in sorted(partitions(), key=generation_of)}


def name_of(number: int, generation: int) -> str:
    return f"part_{number}_{generation}"


def number_of(name: str) -> int:
    return int(name.split("_")[1])


def generation_of(name: str) -> int:
    return int(name.split("_")[2])


def partition(row: Row) -> int:
    return int(row["id"]) % PARTITIONS


@contextmanager
def shared_lock() -> Iterator[None]:
    yield from locked("pg_advisory_lock_shared", "pg_advisory_unlock_shared")


@contextmanager
def exclusive_lock() -> Iterator[None]:
    yield from locked("pg_advisory_lock", "pg_advisory_unlock")


def locked(take: str, give_back: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {take}(%s)", [LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {give_back}(%s)", [LOCK])
