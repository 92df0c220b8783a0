"""The short form of `make fuzz`: whatever is sent, it ends soon, in pixels or in a fault, and this process goes on."""

from collections.abc import Iterator

import pytest

from bench import fuzz, hostile_photos
from bench.fuzz import Decoders, Tally
from matching.types import PhotoFault

pytestmark = pytest.mark.slow

SECONDS = 5


@pytest.fixture
def decoders() -> Iterator[Decoders]:
    made = Decoders()
    yield made
    made.stop()


def test_the_corpus_has_four_hundred_photos_in_twenty_classes() -> None:
    assert len(hostile_photos.CLASSES) * hostile_photos.EACH == 400


def test_hostile_photos_and_their_mutations_are_decoded_or_refused(decoders: Decoders) -> None:
    seeds, tally = list(hostile_photos.seeds(step=7)), Tally()
    fuzz.run(seeds, decoders, tally)
    fuzz.run(fuzz.mutations(seeds, 400, 2), decoders, tally)
    assert tally.total == len(seeds) + 400
    seen = {outcome for counts in tally.outcomes.values() for outcome in counts}
    assert fuzz.DECODED in seen
    assert seen - {fuzz.DECODED} <= set(PhotoFault)
    assert tally.slowest < SECONDS


def test_the_same_number_gives_the_same_photos() -> None:
    seeds = list(hostile_photos.seeds(step=19))
    first, again, other = (list(fuzz.mutations(seeds, 20, number)) for number in (5, 5, 6))
    assert first == again
    assert first != other
