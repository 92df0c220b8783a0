"""What every index must do. PostgreSQL's and any other pass these very tests."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID, uuid4

import numpy as np
import pytest

from matching import index, service
from matching.harvest import admission
from matching.harvest.admission import Arrival
from matching.index import milvus
from matching.index.protocol import Hit, Index, face_rows
from matching.types import Box, Embeddings, Store
from tests.matching import builders

pytestmark = pytest.mark.django_db(transaction=True)

DIM = 128


@pytest.fixture(params=["postgresql", "milvus"], autouse=True)
def chosen(
    request: pytest.FixtureRequest,
) -> Index:
    if request.param == "milvus":
        request.getfixturevalue("in_milvus")
    return index.store()


def brute_force(stored: dict[int, tuple[UUID, Embeddings]], probes: Embeddings, at_least: float) -> list[Hit]:
    """Every pair, in whole numbers: a half is a multiple of 2^-24, so nothing is ever rounded."""
    asked = whole(probes)
    hits = []
    for face_id, (image_id, row) in stored.items():
        best = max(sum(a * b for a, b in zip(whole(row[None])[0], probe, strict=True)) for probe in asked)
        if best / 2**48 >= at_least:
            hits.append(Hit(face_id, image_id, best / 2**48))
    return sorted(hits, key=lambda hit: (-hit.similarity, hit.face_id))


def whole(rows: Embeddings) -> list[list[int]]:
    halves = rows.astype(np.float16).astype(np.float64) * 2**24
    return [[int(value) for value in row] for row in halves]


def stored_by(images: Sequence[UUID], rows: Embeddings) -> dict[int, tuple[UUID, Embeddings]]:
    """What the index says it holds of these images, each with one face, which must be what was put in."""
    held = {}
    for image_id, row in zip(images, rows, strict=True):
        (face_id,) = index.store().faces_of(image_id)
        held[face_id] = (image_id, row)
    return held


def make_images(rows: Embeddings) -> list[UUID]:
    ids = [uuid4() for _ in rows]
    arrivals = [Arrival(one, one.bytes * 2, f"https://a.example/{one}", "a.example", date(2020, 2, 3)) for one in ids]
    faces = face_rows(ids, [builders.BOX] * len(ids), [1.0] * len(ids), rows)
    with admission.one_harvest():
        admission.admit(arrivals, faces)
    return ids


def near_each_other(count: int, *, seed: int = 0) -> Embeddings:
    """Rows around one person, so that many pairs lie near any threshold."""
    centre = builders.unit_rows(1, seed=seed)[0]
    cosines = np.linspace(0.2, 0.99, count)
    return np.stack([builders.near(centre, cosine, seed=seed + n + 1) for n, cosine in enumerate(cosines)])


def test_it_finds_exactly_what_brute_force_finds(chosen: Index) -> None:
    rows = near_each_other(60)
    rows[7] = rows[8] = rows[9]  # ties
    stored = stored_by(make_images(rows), rows)
    probes = np.stack([builders.near(rows[50], 0.9, seed=7777), rows[9]])
    for at_least in (0.3, 0.5, brute_force(stored, probes, 0.2)[20].similarity):  # the last: exactly one face's
        expected = brute_force(stored, probes, at_least)
        assert chosen.search(probes, at_least=at_least) == expected
        assert len(expected) > 10


@pytest.mark.parametrize("strangers", [0, 99])  # few are looked for where the faces are, many on the way through
def test_a_sweep_finds_what_a_search_for_each_group_finds(chosen: Index, strangers: int) -> None:
    rows = np.concatenate([near_each_other(30), near_each_other(30, seed=500)])
    make_images(rows)
    nobody = builders.unit_rows(1 + strangers, seed=9999)
    groups = [rows[[3, 20]], np.zeros((0, DIM), np.float32), rows[55:56], nobody]
    at_least = [0.4, 0.4, 0.35, 0.9]
    swept = chosen.sweep(groups, at_least=at_least)
    assert swept == [
        chosen.search(group, at_least=least) if len(group) else []
        for group, least in zip(groups, at_least, strict=True)
    ]
    assert [len(hits) > 5 for hits in swept] == [True, False, True, False]
    assert chosen.sweep([], at_least=[]) == []


def test_many_probes_find_what_each_of_them_finds(chosen: Index) -> None:
    rows = near_each_other(40)
    make_images(rows)
    probes = np.concatenate([builders.unit_rows(99, seed=9999), rows[39:]])
    one_by_one = [hit for probe in probes for hit in chosen.search(probe[None], at_least=0.5)]
    best = {hit.face_id: hit for hit in sorted(one_by_one, key=lambda hit: hit.similarity)}
    assert chosen.search(probes, at_least=0.5) == sorted(best.values(), key=lambda hit: -hit.similarity)
    assert len(best) > 10


def test_a_face_comes_once_by_its_best_probe(chosen: Index) -> None:
    row = builders.unit_rows(1)[0]
    image = builders.make_image(row[None])
    probes = np.stack([builders.near(row, 0.97), builders.near(row, 0.99, seed=3)])
    (hit,) = chosen.search(probes, at_least=0.5)
    assert hit.image_id == image
    assert hit.similarity == pytest.approx(0.99, abs=1e-3)


def test_an_empty_index_has_nothing(chosen: Index) -> None:
    probes = builders.unit_rows(2)
    assert chosen.size() == 0
    assert chosen.search(probes, at_least=-1) == []
    assert chosen.sweep([probes], at_least=[-1]) == [[]]
    assert chosen.present([uuid4()]) == frozenset()
    assert chosen.faces_of(uuid4()) == {}
    chosen.remove([uuid4()])


def test_clients_of_the_operator_never_see_what_is_hidden(chosen: Index) -> None:
    rows = near_each_other(6)
    images = make_images(rows)
    everything = [hit.image_id for hit in chosen.search(rows[:1], at_least=-1)]
    service.hide(images[:2])
    visible = [image for image in everything if image not in images[:2]]
    assert [hit.image_id for hit in chosen.operator_search(rows[:1], at_least=-1, limit=100)] == visible
    assert [hit.image_id for hit in chosen.operator_search(rows[:1], at_least=-1, limit=2)] == visible[:2]
    assert [hit.image_id for hit in chosen.search(rows[:1], at_least=-1)] == everything
    assert chosen.searchable([*images, uuid4()]) == set(images[2:])
    service.unhide(images[:1])
    assert chosen.searchable(images) == {images[0], *images[2:]}


def test_it_tells_where_faces_are_and_what_they_look_like(chosen: Index) -> None:
    rows, boxes = builders.unit_rows(2), [Box(1, 2, 30, 40), Box(50, 60, 70, 90)]
    image = builders.make_image(rows, boxes=boxes)
    faces = chosen.faces_of(image)
    assert sorted(faces) == list(faces)
    assert sorted(faces.values(), key=lambda box: box.left) == boxes
    asked = sorted(faces, key=lambda face: faces[face].left)
    held = chosen.embeddings(asked)
    order = np.argsort(asked)
    assert held == pytest.approx(rows[order], abs=1e-3)
    assert np.linalg.norm(held, axis=1) == pytest.approx(1, abs=1e-6)


def test_what_is_removed_is_gone(chosen: Index) -> None:
    rows = builders.unit_rows(5)
    gone, group, kept = builders.make_image(rows[:1]), builders.make_image(rows[1:4]), builders.make_image(rows[4:])
    faces = list(chosen.faces_of(group))
    assert chosen.size() == 5
    chosen.remove([gone, group])
    chosen.remove([gone, group])  # again
    assert chosen.size() == 1
    assert chosen.present([gone, group, kept]) == {kept}
    assert [hit.image_id for hit in chosen.search(rows, at_least=-1)] == [kept]
    assert [hit.image_id for hit in chosen.sweep([rows], at_least=[-1])[0]] == [kept]
    assert not len(chosen.embeddings(faces))
    assert chosen.faces_of(group) == {}


def test_it_finds_all_even_where_an_answer_is_cut_off(chosen: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(milvus, "MOST", 8)
    rows = np.concatenate([near_each_other(30), near_each_other(1).repeat(20, axis=0)])
    stored = stored_by(make_images(rows), rows)
    assert chosen.search(rows[:2], at_least=0.1) == brute_force(stored, rows[:2], 0.1)


def test_it_forgets_for_good(chosen: Index) -> None:
    image, kept = builders.make_image(builders.unit_rows(3)), builders.make_image(builders.unit_rows(1, seed=2))
    service.erase_many([image], Store.INDEX)
    assert service.unpurged([image]) == {image}
    assert service.purge().complete
    assert service.unpurged([image]) == frozenset()
    assert chosen.present([image, kept]) == {kept}
