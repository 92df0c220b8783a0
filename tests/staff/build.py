"""Cases in review with matches of each band. Their images are in no index, so no picture is needed."""

from uuid import uuid4

from portal.cases.models import Band, Case, Match
from portal.cases.states import State
from tests.builders import make_case


def reviewed(*, certain: int = 0, probable: int = 0, place: str = "CA-ON") -> Case:
    case = make_case(State.REVIEW, place=place)
    for band, how_many in ((Band.CERTAIN, certain), (Band.PROBABLE, probable)):
        for number in range(how_many):
            Match.objects.create(case=case, image_id=uuid4(), face_id=number, similarity=0.99 - number / 100, band=band)
    return case


def numbers(case: Case, band: str) -> list[int]:
    return list(case.matches.filter(band=band).values_list("pk", flat=True))
