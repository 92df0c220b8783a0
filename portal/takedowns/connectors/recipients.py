"""Those who were shown the image (GDPR Art. 19), from the operator's register of disclosures.

Its step is done once the notice to each of them is written, which is ours to do and read back. Whether they obey goes
on in `portal.notices`: another company's silence must not hold up what is deleted here, nor end unseen.
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

    def present_many(self, erasures: Sequence[Erasure]) -> frozenset[Erasure]:
        return frozenset(map(Erasure, writing.untold([erasure.image_id for erasure in erasures])))
