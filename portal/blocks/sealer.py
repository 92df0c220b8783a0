"""What `matching` is handed to seal blocks with: a key for each, in the key store."""

from contextlib import suppress
from uuid import UUID

from portal.core import keys, sealed

_PURPOSE = "block"


class Sealer:
    """Satisfies matching.types.BlockSealer."""

    def seal(self, block_id: UUID, plain: bytes) -> bytes:
        with suppress(FileExistsError):  # from a try whose transaction was rolled back, or to be sealed anew
            keys.create(block_id)
        return sealed.seal(block_id, plain, purpose=_PURPOSE)

    def unseal(self, block_id: UUID, content: bytes) -> bytes:
        return sealed.unseal(block_id, content, purpose=_PURPOSE)
