"""Cases in review with matches of each band; their images are small, grey and in the index."""

from django.test import Client

from portal.cases.models import Band, Case, Match
from portal.cases.states import State
from portal.policies.assurance import Proof
from tests.builders import indexed_image, make_case


def reviewed(*, certain: int = 0, probable: int = 0, place: str = "CA-ON") -> Case:
    case = make_case(State.REVIEW, place=place)
    # As if by a photo; reading a real one takes a second, and nothing here looks at it.
    case.proof = Proof.PHOTO
    case.save(update_fields=["proof"])
    for band, how_many in ((Band.CERTAIN, certain), (Band.PROBABLE, probable)):
        for number in range(how_many):
            Match.objects.create(
                case=case, image_id=indexed_image(), face_id=number, similarity=0.99 - number / 100, band=band
            )
    return case


def numbers(case: Case, band: str) -> list[int]:
    return list(case.matches.filter(band=band).values_list("pk", flat=True))


def unlock(client: Client, case: Case) -> None:
    client.post(f"/en/staff/cases/{case.code}/unlock/", {"purpose": "compare"})


def look_at(client: Client, case: Case) -> None:
    """Unlock the case and fetch each picture, as a browser does on the pages where staff decide."""
    unlock(client, case)
    for match in case.matches.all():
        client.get(f"/en/staff/cases/{case.code}/matches/{match.pk}/image/")
