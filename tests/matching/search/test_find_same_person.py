"""Any photo of a person leads to all the others, and to nobody else's."""

from pathlib import Path

import pytest

from matching import service
from matching.types import Band
from tests.matching import builders


@pytest.mark.realfaces
@pytest.mark.django_db(transaction=True)  # slow, so that it must not hold a transaction open
@pytest.mark.usefixtures("small_pack")
def test_any_photo_of_a_person_finds_the_others_for_certain(shared: Path) -> None:
    photos = sorted((shared / "faces" / "dlib_johns").rglob("*.jpg"))
    service.harvest([builders.entry(file, page=f"https://{file.parent.name}/{file.name}") for file in photos])
    for selfie in photos:
        result = service.search(service.read_selfie(selfie.read_bytes()).probes)
        known = service.provenance_of([match.image_id for match in result.matches])
        certain = {known[match.image_id].page for match in result.matches if match.band is Band.CERTAIN}
        expected = {f"https://{file.parent.name}/{file.name}" for file in photos if file.parent == selfie.parent}
        assert certain == expected, f"from {selfie.name}"
