"""Staff are warned of a photo that is itself in the index, and of a face that another open case shows."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from django.test import Client

from portal.cases import forget, moves, personal
from portal.cases.models import Case, Caution, CautionKind, Route
from portal.cases.states import State
from tests.builders import astronaut_jpeg, harvest, indexed_image, make_case
from tests.matching.builders import make_image, near
from tests.staff.build import reviewed, unlock

pytestmark = pytest.mark.django_db(transaction=True)
Drain = Callable[[], int]


def kinds(case: Case) -> list[str]:
    return list(case.cautions.values_list("kind", flat=True))


def searched(case: Case, drain: Drain) -> Case:
    drain()
    return Case.objects.get(pk=case.pk)


def test_a_photo_that_is_itself_a_file_of_the_index_is_told(tmp_path: Path, drain: Drain) -> None:
    harvest(tmp_path, {"ana.jpg": astronaut_jpeg(size=300)})
    case = searched(make_case(State.RECEIVED, route=Route.PHOTO, photo=astronaut_jpeg(size=300)), drain)
    assert kinds(case) == [CautionKind.SAME_PHOTO]


def test_so_is_a_file_of_which_no_face_is_in_the_index(drain: Drain) -> None:
    sent = astronaut_jpeg(size=300)
    indexed_image(content=sent)
    assert kinds(searched(make_case(State.RECEIVED, route=Route.PHOTO, photo=sent), drain)) == [CautionKind.SAME_PHOTO]


@pytest.mark.parametrize(("similarity", "told"), [(0.9995, True), (0.99, False)])
def test_a_face_as_alike_as_the_photo_itself_is_told(drain: Drain, similarity: float, told: bool) -> None:
    case = make_case(State.RECEIVED, route=Route.PHOTO)
    make_image(near(personal.probes(case)[0], similarity, seed=1)[np.newaxis], page="https://harvest.example/a.jpg")
    assert kinds(searched(case, drain)) == ([CautionKind.SAME_PHOTO] if told else [])


def test_of_two_open_cases_with_one_face_both_are_warned(drain: Drain) -> None:
    first = searched(make_case(State.RECEIVED, route=Route.PHOTO), drain)
    # Settled at once, since nothing was found: no case is open any more.
    second = make_case(State.RECEIVED, route=Route.PHOTO, photo=astronaut_jpeg(size=400), address="bo@example.org")
    third = make_case(State.RECEIVED, route=Route.PHOTO, photo=astronaut_jpeg(size=450), address="cy@example.org")
    drain()
    assert kinds(first) == []
    assert [list(case.cautions.values_list("other", flat=True)) for case in (second, third)] == [
        [third.pk],
        [second.pk],
    ]


def test_it_is_shown_once_unlocked_and_forgotten_with_the_case(sam_client: Client) -> None:
    case, other = reviewed(certain=1), reviewed()
    Caution.objects.create(case=case, kind=CautionKind.SAME_FACE, other=other)
    page = f"/en/staff/cases/{case.code}/"
    assert "Another open case shows the same face" not in sam_client.get(page).content.decode()
    unlock(sam_client, case)
    for path in (page, f"{page}approve/", f"{page}decide/", f"{page}refuse/"):
        shown = sam_client.get(path).content.decode()
        assert "Another open case shows the same face" in shown
        assert other.reference in shown
    moves.move(case, State.REFUSED)
    forget.everything(case)
    assert not Caution.objects.exists()
