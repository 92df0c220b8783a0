"""The list of addresses that the crawler must not fetch again and the harvest does not let in."""

from collections.abc import Sequence

from matching import service
from portal.takedowns.connectors.base import Erasure


class RefusedAddresses:
    """Only while the index still knows where the image came from, so the index goes after it."""

    name = "addresses"

    def remove(self, erasure: Erasure) -> None:
        self.remove_many([erasure])

    def present(self, erasure: Erasure) -> bool:
        return bool(self.present_many([erasure]))

    def remove_many(self, erasures: Sequence[Erasure]) -> None:
        service.refuse_addresses([erasure.image_id for erasure in erasures])

    def present_many(self, erasures: Sequence[Erasure]) -> frozenset[Erasure]:
        return frozenset(map(Erasure, service.not_refused([erasure.image_id for erasure in erasures])))
