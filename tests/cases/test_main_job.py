"""A selfie in: the harvested photos found, taken out of search, deleted, read back; the case closed and forgotten."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from matching import service
from matching.types import Embeddings, Selfie, Store
from portal.accounts.models import User
from portal.audit.models import Entry
from portal.audit.tags import Tag
from portal.cases import actions, decisions, personal, work
from portal.cases.models import Case, Match, Photo, Probe, Route
from portal.cases.states import State
from portal.core import clock, keys
from portal.core.faults import NotAllowed
from portal.demo import pictures
from portal.ledger.models import Leaf
from portal.takedowns import connectors
from portal.takedowns.models import Removal, Step
from portal.takedowns.states import RemovalState, StepState
from tests.builders import assign, astronaut_jpeg, harvest, look_at, make_case
from tests.matching import builders as matching_builders

# Rewriting the partitions at the end cannot run inside a test's transaction.
pytestmark = pytest.mark.django_db(transaction=True)
Drain = Callable[[], int]


@pytest.fixture
def images(tmp_path: Path) -> dict[str, UUID]:
    """Two photos of the astronaut, and one of six other people."""
    pictures.write(tmp_path)
    names = ("astronaut/half-size.jpg", "astronaut/mirrored.jpg", "others/six-people.jpg")
    return harvest(tmp_path, {Path(name).name: (tmp_path / name).read_bytes() for name in names})


@pytest.fixture
def case(images: dict[str, UUID], drain: Drain) -> Case:
    """The astronaut's case, searched and waiting for staff."""
    case = make_case(State.RECEIVED, route=Route.PHOTO, photo=astronaut_jpeg())
    drain()
    return Case.objects.get(pk=case.pk)


def test_it_finds_the_subjects_photos_and_lays_them_before_staff(case: Case, images: dict[str, UUID]) -> None:
    assert case.state == State.REVIEW
    found = set(case.matches.values_list("image_id", "band"))
    assert found == {(images["half-size.jpg"], "certain"), (images["mirrored.jpg"], "certain")}
    assert case.searches.get().index_size == 8
    assert {match.search for match in case.matches.all()} == {case.searches.get()}


def test_approved_photos_leave_every_store_and_the_others_stay(
    case: Case, images: dict[str, UUID], sam: User, drain: Drain
) -> None:
    look_at(case, sam)
    decisions.approve(case, by=sam, matches=case.matches.values_list("pk", flat=True))
    drain()
    case.refresh_from_db()
    assert case.state == State.SETTLED
    for name in ("half-size.jpg", "mirrored.jpg"):
        assert not any(service.present(images[name], store) for store in Store)
    assert all(service.present(images["six-people.jpg"], store) for store in Store)
    assert set(Step.objects.values_list("state", flat=True)) == {StepState.VERIFIED}
    assert Step.objects.count() == 2 * len(connectors.ALL)


def test_photo_and_probes_are_kept_for_the_last_search_and_go_when_it_settles(
    case: Case, sam: User, drain: Drain
) -> None:
    look_at(case, sam)
    decisions.approve(case, by=sam, matches=case.matches.values_list("pk", flat=True))
    assert Photo.objects.filter(case=case).exists()
    assert Probe.objects.filter(case=case).exists()
    drain()
    assert not Photo.objects.filter(case=case).exists()
    assert not Probe.objects.filter(case=case).exists()


def test_at_its_slot_the_case_is_announced_closed_and_its_key_destroyed(case: Case, sam: User, drain: Drain) -> None:
    look_at(case, sam)
    decisions.approve(case, by=sam, matches=case.matches.values_list("pk", flat=True))
    drain()
    assert keys.exists(case.key_id)
    assert [message.subject for message in mail.outbox if "finished" in message.subject.lower()] == []
    clock.move(timedelta(days=7, minutes=1))
    drain()
    case.refresh_from_db()
    assert case.state == State.CLOSED
    assert not keys.exists(case.key_id)
    # The rest has a time of its own: tests/cases/test_receipts.py.
    assert Leaf.objects.count() == 1
    assert keys.exists(case.proof_key_id)
    assert Match.objects.filter(case=case).count() == 0
    assert case.addresses_sealed is None
    assert Removal.objects.get(origin=case.code).state == RemovalState.PURGED
    assert mail.outbox[-1].to == ["ana@example.org"]
    assert Entry.objects.filter(tag=Tag.KEY_DESTROYED, about=str(case.code)).count() == 1


def test_a_case_that_matches_nothing_settles_and_closes_with_the_same_leaf(db: None, drain: Drain) -> None:
    case = make_case(State.RECEIVED, route=Route.PHOTO)
    drain()
    case.refresh_from_db()
    assert case.state == State.SETTLED
    clock.move(timedelta(days=7, minutes=1))
    drain()
    case.refresh_from_db()
    assert case.state == State.CLOSED
    assert Leaf.objects.count() == 1


def test_a_photo_harvested_while_it_erases_is_found_by_the_last_search(
    case: Case, sam: User, drain: Drain, tmp_path: Path
) -> None:
    look_at(case, sam)
    decisions.approve(case, by=sam, matches=case.matches.values_list("pk", flat=True))
    late = harvest(tmp_path, {"late.jpg": astronaut_jpeg(size=400)})
    drain()
    case.refresh_from_db()
    assert case.state == State.REVIEW
    open_matches = case.matches.filter(decision="open")
    assert [match.image_id for match in open_matches] == [late["late.jpg"]]
    look_at(case, sam)
    decisions.approve(case, by=sam, matches=[open_matches[0].pk])
    drain()
    case.refresh_from_db()
    assert case.state == State.SETTLED
    assert not service.present(late["late.jpg"], Store.INDEX)


def erasing_case(probe: Embeddings, mirrored: Embeddings) -> Case:
    case = make_case(State.ERASING, route=Route.PHOTO)
    seen = Selfie(b"", probe[None], mirrored=mirrored, flaw=None, pack=service.pack().name)
    personal.keep_probes(case.photos.get(), seen)
    return case


@pytest.mark.parametrize(("mirrored", "passes"), [(False, 1), (True, 2)])
def test_cases_that_wait_for_their_last_search_have_it_together(mirrored: bool, passes: int) -> None:
    """With what is seen in a mirror, each has further probes, and all of these one pass more."""
    rows = matching_builders.unit_rows(4, seed=77)
    late = [matching_builders.make_image(row[None]) for row in rows[:3]]
    cases = [erasing_case(row, row[None] if mirrored else row[None][:0]) for row in rows]
    with CaptureQueriesContext(connection) as captured:
        work.settle(str(cases[0].code))
    scans = [query for query in captured if "FROM matching_face f WHERE" in query["sql"]]
    assert len(scans) == passes
    states = [Case.objects.get(pk=case.pk).state for case in cases]
    assert states == [State.REVIEW] * 3 + [State.SETTLED]
    assert [[match.image_id for match in case.matches.all()] for case in cases] == [[image] for image in late] + [[]]


def test_addresses_given_without_a_photo_reach_staff_and_are_deleted(
    images: dict[str, UUID], sam: User, lee: User, drain: Drain
) -> None:
    case = make_case(State.RECEIVED, addresses=["https://photos.example/mirrored.jpg"])
    drain()
    case.refresh_from_db()
    assert (case.state, case.proof) == (State.REVIEW, "contact")
    assign(case, sam, lee)
    look_at(case, sam, lee)
    given = case.matches.values_list("pk", flat=True)
    with pytest.raises(NotAllowed):
        decisions.approve(case, by=sam, matches=given)
    decisions.confirm(decisions.propose_decision(case, by=sam, delete=given), by=lee)
    drain()
    assert not service.present(images["mirrored.jpg"], Store.IMAGES)
    assert service.present(images["half-size.jpg"], Store.IMAGES)


def test_everything_personal_in_the_tables_is_sealed(case: Case) -> None:
    address = personal.contact(case).encode()
    photo = personal.photo(case)
    assert photo is not None
    probe = personal.probes(case)[0].tobytes()
    kept = Case.objects.get(pk=case.pk)
    sealed = [
        bytes(kept.contact_sealed or b""),
        *(bytes(photo.sealed) for photo in kept.photos.all()),
        *(bytes(p.sealed) for p in kept.probes.all()),
    ]
    for blob in sealed:
        assert address not in blob
        assert photo[:64] not in blob
        assert probe[:64] not in blob


def test_withdrawing_looks_the_same_from_every_state(case: Case, images: dict[str, UUID], drain: Drain) -> None:
    settled = make_case(State.RECEIVED, route=Route.ADDRESSES, addresses=["https://nowhere.example/none.jpg"])
    drain()
    for one in (case, settled):
        actions.withdraw(one)
        assert Case.objects.get(pk=one.pk).withdrawn_at is not None
    assert not Photo.objects.filter(case=case).exists()
    assert {case.pk, settled.pk} == set(
        Case.objects.filter(state__in=["withdrawn", "settled"]).values_list("pk", flat=True)
    )


def test_a_case_withdrawn_while_it_erases_is_not_searched_again(
    case: Case, sam: User, drain: Drain, tmp_path: Path
) -> None:
    look_at(case, sam)
    decisions.approve(case, by=sam, matches=case.matches.values_list("pk", flat=True))
    harvest(tmp_path, {"late.jpg": astronaut_jpeg(size=400)})
    actions.withdraw(case)
    assert not Probe.objects.filter(case=case).exists()
    drain()
    case.refresh_from_db()
    assert case.state == State.SETTLED
    assert not case.matches.filter(decision="open").exists()


def test_probes_of_another_pack_are_computed_anew_from_the_photo(images: dict[str, UUID], drain: Drain) -> None:
    case = make_case(State.RECEIVED, route=Route.PHOTO)
    case.probes.update(pack="an older pack", sealed=b"")
    drain()
    assert case.matches.count() == 2
