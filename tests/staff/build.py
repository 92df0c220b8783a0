"""Cases in review, drawn for Sam and Lee, with matches of each band; their images are small, grey and in the index."""

from io import BytesIO

from django.test import Client
from PIL import Image

from matching.types import NO_EMBEDDINGS, Selfie
from portal.cases import personal
from portal.cases.models import Band, Case, Match, Route
from portal.cases.states import State
from portal.policies.assurance import Proof
from tests.builders import assign, indexed_image, make_case


def reviewed(*, certain: int = 0, probable: int = 0, place: str = "CA-ON") -> Case:
    case = assign(make_case(State.REVIEW, place=place))
    with_photo(case)
    for band, how_many in ((Band.CERTAIN, certain), (Band.PROBABLE, probable)):
        for number in range(how_many):
            Match.objects.create(
                case=case, image_id=indexed_image(), face_id=number, similarity=0.99 - number / 100, band=band
            )
    return case


def with_photo(case: Case) -> None:
    """As if by a photo: a grey one, without a face; reading a real one takes a second."""
    file = BytesIO()
    Image.new("RGB", (64, 64), "grey").save(file, "JPEG")
    case.proof, case.route = Proof.PHOTO, Route.PHOTO
    case.save(update_fields=["proof", "route"])
    personal.keep_photo(case, Selfie(file.getvalue(), NO_EMBEDDINGS, NO_EMBEDDINGS, None, pack="dlib"))


def numbers(case: Case, band: str) -> list[int]:
    return list(case.matches.filter(band=band).values_list("pk", flat=True))


def unlock(client: Client, case: Case) -> None:
    client.post(f"/en/staff/cases/{case.code}/unlock/", {"purpose": "compare"})


def look_at(client: Client, case: Case) -> None:
    """Unlock the case and fetch each picture, as a browser does on the pages where staff decide."""
    unlock(client, case)
    for photo in case.photos.all():
        client.get(f"/en/staff/cases/{case.code}/photo/{photo.number}/")
    for match in case.matches.all():
        client.get(f"/en/staff/cases/{case.code}/matches/{match.pk}/image/")
