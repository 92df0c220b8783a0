"""The default pack finds one person in every shape a scraper may have met her photo in."""

from pathlib import Path

import pytest

from matching import service
from matching.types import Band
from tests.matching import builders


@pytest.mark.django_db(transaction=True)  # slow, so that it must not hold a transaction open
def test_it_finds_every_variant_of_a_photo_and_nobody_else(
    astronaut: Path, other_people: list[Path], tmp_path: Path
) -> None:
    (folder := tmp_path / "harvest").mkdir()
    variants = builders.astronaut_variants(astronaut, folder)
    report = service.harvest([builders.entry(file) for file in [*variants, *other_people]])
    assert report.images == len(variants) + len(other_people)

    result = service.search(service.read_selfie(astronaut.read_bytes()).probes)

    certain = [match.image_id for match in result.matches if match.band is Band.CERTAIN]
    pages = {found.page for found in service.provenance_of(certain).values()}
    assert pages == {f"https://harvest.example/{file.name}" for file in variants}
    assert len(result.matches) == len(certain)
