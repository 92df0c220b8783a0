"""The recipients of the image (GDPR Art. 19), from the operator's register of disclosures.

The step is done once the notice to each of them is written, because that can be done and read back here. Whether they
obey is followed up in `portal.notices`, so that another company's silence does not delay what is deleted here.
"""

from collections.abc import Sequence

from portal.notices import writing
from portal.takedowns.connectors.base import Erasure


class Recipients:
    name = "recipients"

    def remove(self, erasure: Erasure) -> None:
        self.remove_many([erasure])

    def present(self, erasure: Erasure) -> bool:
        return bool(self.present_many([erasure]))

    def remove_many(self, erasures: Sequence[Erasure]) -> None:
        writing.tell([erasure.image_id for erasure in erasures])

    def before_index(self, erasures: Sequence[Erasure]) -> None:
        """Once more, for what a hold took out of a notice and what the register learned since this store's own step."""
        self.remove_many(erasures)

    def present_many(self, erasures: Sequence[Erasure]) -> frozenset[Erasure]:
        return frozenset(map(Erasure, writing.untold([erasure.image_id for erasure in erasures])))
